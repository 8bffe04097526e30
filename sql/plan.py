"""Write the plan of every statement to `sql/plans/`, to be reviewed as a diff.

It makes its own database on the embedded server (or on TEST_DATABASE_URL's), fills it with the
generated ledger of `sql/seed/`, and explains exactly the statements that the pages run. The trees
hold rows and buffers but neither times nor costs, which differ from run to run.

    python sql/plan.py [ROWS]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import uuid
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from dal import explain, snapshots, transactions
from dal.database import Ledger, driver_url
from dal.embedded import Embedded
from dal.filters import Filter
from dal.keyset import NEWEST_FIRST, ORDERS, Cursor
from dal.postgres import Binaries
from dal.settings import DalSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

HERE = Path(__file__).parent
#: One case a line: a name, then a filter of the generated ledger. Common, middling and rare values.
CASES = (
    ("everything", ""),
    ("wallet-common", "wallet=Wallet 1"),
    ("wallet-rare", "wallet=Wallet 50"),
    ("wallets-two", "wallet=Wallet 1&wallet=Wallet 7"),
    ("type-common", "type=receive"),
    ("type-not", "type!=receive"),
    ("asset-common", "asset=USDC"),
    ("asset-rare", "asset=TOK199"),
    ("label-common", "label=label 1"),
    ("label-rare", "label=label 30"),
    ("label-not", "label!=label 1"),
    ("contact", "contact=Contact 5"),
    ("hash", "hash=0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060"),
    ("date-quarter", "date=2024-Q1"),
    ("amount-range", "amount=900..1000"),
    ("amount-of-asset", "asset=WBTC&amount=900.."),
    ("direction", "direction=in"),
    ("text", "text=coffee"),
    ("unlabelled", "has!=label"),
    ("status-failed", "status=failed"),
    ("wallet-and-type", "wallet=Wallet 3&type=trade"),
)


def main(rows: int) -> None:
    """Explain every case and every place of the unfiltered page."""
    (HERE / "plans").mkdir(exist_ok=True)
    with generated(rows) as ledger, ledger.read() as conn:
        for name, query in CASES:
            write(conn, name, Filter.parse(query), Cursor.last(NEWEST_FIRST), first=True)
        for order in ORDERS.values():
            middle = place(conn, order.key)
            side = "down" if order.descending else "up"
            write(conn, f"{order.name}-{side}-next", Filter(), middle)
            write(conn, f"{order.name}-{side}-last", Filter(), Cursor.last(order))
        seen = replace(snapshots.taken(conn), visible="9000000:9000000:")  # the same in every run
        came = replace(place(conn, NEWEST_FIRST.key), seen=seen)
        write(conn, "moved-meanwhile", Filter(), came)


def place(conn: Connection, key: str) -> Cursor:
    """Return a place in the middle of the ledger."""
    order = ORDERS[key]
    middle = transactions.tx.c.id, order.column
    where = transactions.tx.c.id == select(func.max(transactions.tx.c.id) / 2).scalar_subquery()
    row = conn.execute(transactions.tx.select().with_only_columns(*middle).where(where)).one()
    return Cursor(order, "after", (row[1], row[0]))


def write(
    conn: Connection, name: str, where: Filter, cursor: Cursor, *, first: bool = False
) -> None:
    """Write one plan."""
    at = None if first else cursor
    statement = transactions.page_statement(where, cursor.order, at)
    plan = explain.explain(conn, statement, transactions.page_parameters(where, at))
    title = f"Transactions {where.sentence()}".strip() + f", {cursor.order.words}"
    text = "\n".join([f"# {title}", "", *plan.tree, ""])
    (HERE / "plans" / f"{name}.txt").write_text(text)
    print(f"{plan.buffers:>8,} buffers  {name}")


@contextmanager
def generated(rows: int) -> Iterator[Ledger]:
    """Yield a ledger of that many generated transactions, dropped afterwards."""
    with server() as url:
        name = f"plans_{uuid.uuid4().hex[:8]}"
        here = driver_url(url).set(database=name)
        psql(url, "-c", f"CREATE DATABASE {name}")
        try:
            with Ledger(here.render_as_string(hide_password=False), DalSettings()) as ledger:
                ledger.migrate()
                plain = here.set(drivername="postgresql").render_as_string(hide_password=False)
                psql(plain, "-v", f"rows={rows}", "-f", str(HERE / "seed" / "ledger.sql"))
                yield ledger
        finally:
            psql(url, "-c", f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def server() -> Iterator[str]:
    """Yield the URL of TEST_DATABASE_URL, else of an embedded server."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with tempfile.TemporaryDirectory() as home, Embedded(Path(home)) as url:
        yield url


def psql(url: str, *words: str) -> None:
    """Run the server's own psql."""
    program = Binaries.find().postgres.with_name("psql")
    command = [str(program), url, "-X", "-q", "-v", "ON_ERROR_STOP=1", *words]
    subprocess.run(command, check=True)  # noqa: S603 (our own words)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
