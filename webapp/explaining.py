"""`freshledger explain`: one page, from its address to what PostgreSQL did for it."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from dal import explain, naming, strategy, transactions
from dal.database import open_ledger
from dal.errors import BadCursor, BadInput
from webapp import create_app
from webapp.scope import g

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

    from dal.database import Ledger
    from webapp.settings import WebSettings

LIST, TOTALS = "/transactions", "/transactions/totals"
LOCKED = (
    "it is none of this ledger's key: give FRESHLEDGER_HOME (or SECRET_KEY) of the application that"
    " wrote it, or leave it out to explain the first page"
)


@dataclass(frozen=True, slots=True)
class Explained:
    """All that there is to say of a page."""

    title: str  # what it shows, as a sentence
    name: str  # of its statement, as the server knows it
    why: tuple[str, ...]
    statement: str  # runnable
    parameters: Mapping[str, Any]
    plan: explain.Plan
    psql: str

    @classmethod
    def of(cls, ledger: Ledger, url: str, path: str) -> Explained:
        """Return it for the page of the request at hand, read by the same code as a browser's."""
        figures = path == TOTALS
        if figures:
            asked = transactions.totals_statement(g.where), g.where.parameters()
        else:
            asked = _page()
        statement, parameters = asked
        with ledger.read() as conn:
            plan = explain.explain(conn, statement, parameters)
        text = explain.runnable(statement, parameters)
        words = "Figures of transactions" if figures else "Transactions"
        title = f"{words} {g.where.sentence()}".strip()
        return cls(
            title if figures else f"{title}, {g.order.words}",
            naming.name_of(text),
            () if figures else strategy.why(g.where.shape, g.order),
            text,
            parameters,
            plan,
            explain.psql(url, text),
        )


def _page() -> tuple[Any, dict[str, Any]]:
    """Return the statement of the page that is asked for, and what it binds."""
    try:
        cursor = g.cursor
    except BadCursor:
        raise BadInput("cursor", LOCKED) from None
    statement = transactions.page_statement(g.where, g.order, cursor, g.size, count_ahead=g.live)
    return statement, transactions.page_parameters(g.where, cursor)


def explained(settings: WebSettings, page: str, database: str | None) -> Explained:
    """Return all that there is to say of a page.

    Args:
        settings: of the application whose page it is.
        page: its address, or its query alone.
        database: the URL to explain it on; the one of the settings where not given.

    Raises:
        BadInput: it is another page, or its query cannot be read.
    """
    path, query = _address(page)
    url = database or settings.dal.database_url
    dal = replace(settings.dal, database_url=url, slow_ms=0)  # what explains is slow by itself
    with open_ledger(dal) as ledger:
        app = create_app(settings, ledger)
        with app.test_request_context(f"{path}?{query}"):
            return Explained.of(ledger, _shown(ledger, settings, database), path)


def _address(page: str) -> tuple[str, str]:
    """Return path and query of what was pasted."""
    if not page.startswith(("/", "http://", "https://")):
        return LIST, page.removeprefix("?")
    parts = urlsplit(page)
    if parts.path not in {LIST, TOTALS}:
        raise BadInput("PAGE", f"{parts.path} is neither {LIST} nor {TOTALS}; see: statements")
    return parts.path, parts.query


def _shown(ledger: Ledger, settings: WebSettings, database: str | None) -> str:
    """Return the URL as a shell is to read it; the environment's may hold a password."""
    if settings.dal.database_url.startswith(("postgresql:", "postgres:")) and not database:
        return '"$DATABASE_URL"'
    plain = ledger.url.set(drivername="postgresql")
    given = plain.render_as_string(hide_password=not database)
    return shlex.quote(given)


def put(found: Explained, out: Console, *, whole: bool, as_json: bool) -> None:
    """Print it."""
    if as_json:
        click.echo(json.dumps(_shape(found), indent=2, default=str))
        return
    for line in lines(found, whole=whole):
        skipped = line.endswith("(never executed)")
        out.print(line, markup=False, style="dim" if skipped else None)


def lines(found: Explained, *, whole: bool) -> Iterator[str]:
    """Yield it line by line."""
    plan = found.plan
    yield f"-- {found.title}"
    yield from (f"-- {line}" for line in found.why)
    yield f"{found.statement};\n"
    yield from (f"-- {name} = {value!r}" for name, value in found.parameters.items())
    yield from plan.whole if whole else plan.tree
    skipped = len(plan.whole) - len(plan.tree)
    if skipped and not whole:
        yield f"… {skipped} steps of ways that were not taken are left out; --whole prints them"
    yield (
        f"\n{plan.buffers:,} buffers, {plan.touched:,} rows read; planned in"
        f" {plan.planning_ms:.2f} ms, executed in {plan.execution_ms:.2f} ms (this once, with"
        " EXPLAIN's own cost)"
    )
    yield f"\n# again, in a shell:\n{found.psql}"


def _shape(found: Explained) -> dict[str, Any]:
    """Return what scripts are told."""
    told = asdict(found)
    told["plan"]["buffers"], told["plan"]["touched"] = found.plan.buffers, found.plan.touched
    return told
