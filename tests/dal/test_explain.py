"""What the SQL prompt is given: exactly the statement of the page, and its plan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import event

from dal import explain, statements, transactions
from dal.fields import FIELDS
from dal.filters import Filter

if TYPE_CHECKING:
    from dal.database import Ledger


def test_the_text_explained_is_the_text_that_runs(ledger: Ledger) -> None:
    sent: list[str] = []
    event.listen(ledger._reading, "before_cursor_execute", lambda *called: sent.append(called[2]))
    where = Filter.parse("type=trade&has!=note")
    with ledger.read() as conn:
        transactions.page(conn, where)
        text, _ = explain.compiled(transactions.page_statement(where), where.parameters())
    assert sent == [text]


def test_a_plan_tells_nodes_rows_and_buffers_but_no_times(ledger: Ledger) -> None:
    with ledger.read() as conn:
        plan = explain.explain(conn, transactions.page_statement(), {})
    assert plan.buffers > 0
    assert all(re.search(r"\(rows=\d+ buffers=\d+\)$", line) for line in plan.tree)
    assert any("transactions_time_key" in line or "Seq Scan" in line for line in plan.tree)


def test_every_statement_can_be_explained_and_pasted(ledger: Ledger) -> None:
    found = list(statements.statements())
    names = [each.name for each in found]
    assert len(names) == len(set(names))
    assert all(any(f"{field.key}=" in name for name in names) for field in FIELDS)
    with ledger.read() as conn:
        for each in found:
            explain.explain(conn, each.statement, each.parameters)
            text = explain.runnable(each.statement, each.parameters)
            conn.exec_driver_sql(text.replace("%", "%%"))
