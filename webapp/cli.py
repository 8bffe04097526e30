"""The command line: the calls of the data layer, printed.

Settings come from the environment; `freshledger COMMAND --help` explains each command.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from dal import (
    changes,
    explain as plans,
    keyset,
    statements as all_statements,
    transactions,
    wallets,
)
from dal.database import Ledger, database, open_ledger
from dal.errors import BadInput, DalError
from dal.fields import FIELDS
from dal.filters import Filter
from webapp.audit.command import audit
from webapp.explaining import explained, put
from webapp.exporting import whole, write
from webapp.importing import Run, operator
from webapp.probe.command import probe
from webapp.serve import serve as serve_http
from webapp.settings import WebSettings
from webapp.template_filters import plain, short_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dal.export import Form
    from dal.records import Totals, Transaction

#: Columns of a page that is not a terminal's: nothing is cut off there.
WIDE = 400
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True)
#: Printed from the rows that also make the URL, the SQL and the page's form.
FILTERS = "\n".join(["\b", "Filters:", *(f"  {row.key:<10} {row.help}" for row in FIELDS)])


@contextmanager
def said() -> Iterator[None]:
    """Turn what the data layer refuses into one line and exit status 2 (bad input) or 1."""
    try:
        yield
    except BadInput as error:
        raise click.UsageError(str(error)) from error
    except DalError as error:
        raise click.ClickException(str(error)) from error


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="freshledger")
def main() -> None:
    """Keep a ledger of crypto transactions whose page is the database."""


main.add_command(probe)


main.add_command(audit)


@main.command()
@click.option("--host", help="The address to listen on.  [HOST, else 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="The port.  [PORT, else 8000]")
def serve(host: str | None, port: int | None) -> None:
    """Serve the pages; start an embedded PostgreSQL unless DATABASE_URL is given."""
    with said():
        settings = WebSettings.read()
        settings = replace(settings, host=host or settings.host, port=port or settings.port)
        serve_http(settings, lambda line: err.print(line, markup=False))


@main.command()
@click.option("--to", default="head", show_default=True, help="The revision to bring it to.")
def migrate(to: str) -> None:
    """Bring the schema up to date; of several callers one works and the others wait."""
    with said():
        settings = WebSettings.read().dal
        with database(settings) as url, Ledger(url, settings) as ledger:
            ledger.migrate(to)
        out.print(f"The schema is at {to}.")


@main.command(name="import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--wallet", help="Whose they are. Guessed from the addresses in the file if absent.")
@click.option("--network", help="Where they happened, for files that do not say.")
@click.option("--dry-run", is_flag=True, help="Report what would happen; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print an object per file, one a line.")
@click.pass_context
def import_files(  # one parameter per option
    context: click.Context,
    files: tuple[str, ...],
    wallet: str | None,
    network: str | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Bring exported files into the ledger. The same file again adds nothing.

    Exit status: 0 when every row is accounted for, 1 when rows were rejected, 2 when a file could
    not be read.
    """
    with said(), open_ledger() as ledger:
        run = Run(ledger, out, err, trial=dry_run, as_json=as_json)
        context.exit(run.files(files, wallet, network))


@main.command()
@click.option("--days", type=click.IntRange(1), help="How many to keep.  [KEEP_HISTORY_DAYS]")
def prune(days: int | None) -> None:
    """Forget the changes that are older than KEEP_HISTORY_DAYS, for good."""
    with said():
        kept = days or WebSettings.read().dal.keep_history_days
        if not kept:
            out.print("Every change is kept: neither --days nor KEEP_HISTORY_DAYS is given.")
            return
        with open_ledger() as ledger, ledger.write(who=operator()) as conn:
            gone = changes.prune(conn, datetime.now(UTC) - timedelta(days=kept))
        out.print(f"Forgot {gone:,} changes older than {kept:,} days.")


@main.command(name="list", epilog=FILTERS)
@click.argument("query", default="")
@click.option("--order", default="-time", show_default=True, help="-time, time, -amount, amount")
@click.option("--most", type=click.IntRange(1), default=50, show_default=True, help="Rows.")
@click.option("--sums", is_flag=True, help="Print count and sums per asset instead of rows.")
def list_transactions(query: str, order: str, most: int, *, sums: bool) -> None:
    """List the transactions of a filter, written as in the page's address: 'asset=ETH&type!=fee'.

    The same key again means OR, different keys mean AND, "!=" means not.
    """
    with said(), open_ledger() as ledger:
        where = Filter.parse(query)
        out.print(f"Transactions {where.sentence()}".strip(), style="bold", markup=False)
        if sums:
            with ledger.exact() as conn:
                _print_sums(transactions.totals(conn, where))
            return
        with ledger.snapshot() as conn:
            found = transactions.iterate(conn, where, keyset.order(order))
            _print_rows(islice(found, most))


@main.command(epilog=FILTERS)
@click.argument("query", default="")
@click.option("--format", "form", type=click.Choice(["csv", "json"]), help="[csv, or FILE's own]")
@click.option("--order", default="-time", show_default=True, help="-time, time, -amount, amount")
@click.option("-o", "file", type=click.Path(dir_okay=False, path_type=Path), help="[the terminal]")
def export(query: str, form: Form | None, order: str, file: Path | None) -> None:
    """Write the transactions of a filter as Freshledger's own CSV or as JSON, all of one instant.

    A file gets its name when it is whole. One wallet's CSV can be imported again.
    """
    kind = form or ("json" if file and file.suffix == ".json" else "csv")
    with said(), open_ledger() as ledger, ExitStack() as stack:
        where, by = Filter.parse(query), keyset.order(order)
        try:
            to = stack.enter_context(whole(file)) if file else sys.stdout
            as_of = write(ledger, where, by, kind, to)
            stack.close()
        except OSError as error:
            raise click.ClickException(f"{file or 'output'}: {error.strerror}") from error
    err.print(f"Transactions {where.sentence()}, as of {as_of:%Y-%m-%d %H:%M:%S} UTC", markup=False)


@main.command()
@click.option("--at", help="An instant, as in 2024-12-31T23:59:59+00:00.  [now]")
def balances(at: str | None) -> None:
    """Print what each wallet holds of each asset."""
    with said(), open_ledger() as ledger, ledger.read() as conn:
        table = columns("wallet", "asset", "network", "contract", amounts=("amount",))
        for each in wallets.balances(conn, _instant(at)):
            contract = short_address(each.network, each.contract) if each.contract else ""
            table.add_row(each.wallet, each.symbol, each.network, contract, plain(each.amount))
        out.print(table)


@main.command()
@click.argument("page", default="")
@click.option("--database", help="Explain there instead of the ledger of the environment.")
@click.option("--whole", is_flag=True, help="Print the ways that the plan did not take, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
def explain(page: str, database: str | None, *, whole: bool, as_json: bool) -> None:
    """Print statement, reasons, plan and buffers of one page, given its address or query.

    What the log of slow statements names can be pasted as it is. An address with a cursor can be
    opened with the key that sealed it alone: that of FRESHLEDGER_HOME, or SECRET_KEY.
    """
    with said():
        found = explained(WebSettings.read(), page, database)
        put(found, out, whole=whole, as_json=as_json)


@main.command()
def statements() -> None:
    """Print every statement that a page can need, ready for psql."""
    with said():
        for each in all_statements.statements():
            out.print(f"-- {each.name}", markup=False)
            text = plans.runnable(each.statement, each.parameters).rstrip().rstrip(";")
            out.print(f"{text};\n", markup=False)


def columns(*names: str, amounts: tuple[str, ...]) -> Table:
    """Return a table that folds words where it must, and never cuts an amount."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for name in amounts:
        table.add_column(name, justify="right", overflow="fold", min_width=20)
    return table


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no instant", param_hint="--at") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _print_rows(rows: Iterator[Transaction]) -> None:
    table = columns(
        "time (UTC)", "type", "wallet", "counterparty", "labels", "note", amounts=("amounts",)
    )
    for row in rows:
        table.add_row(
            f"{row.occurred_at:%Y-%m-%d %H:%M:%S}",
            row.type,
            row.wallet,
            row.contact or short_address(row.network, row.counterparty),
            ", ".join(label.name for label in row.labels),
            row.note,
            "\n".join(f"{plain(each.amount)} {each.symbol}" for each in row.movements),
        )
    out.print(table)


def _print_sums(totals: Totals) -> None:
    table = columns("asset", "network", amounts=("received", "sent", "fees", "net"))
    for each in totals.sums:
        amounts = (each.received, each.sent, each.fees, each.net)
        table.add_row(each.symbol, each.network, *map(plain, amounts))
    out.print(table)
    out.print(f"{totals.transactions:,} transactions")
