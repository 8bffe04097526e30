"""`freshledger probe`: options in, a report and an exit status out."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from dal.errors import BadInput, DalError
from dal.foreign import marking, targets
from webapp.probe import asking
from webapp.probe.rounds import Aim, Limits
from webapp.probe.running import Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from webapp.probe.asking import Address


class Plain(click.Command):
    """A command whose errors are JSON too where JSON is asked for."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 (as click has it)
    ) -> click.Context:
        """Read the options."""
        wants_json = "--json" in args  # click takes them out of the list
        with _errors(as_json=wants_json):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 (as click has it)
        """Run it."""
        with _errors(as_json=ctx.params["as_json"]):
            return super().invoke(ctx)


@contextmanager
def _errors(*, as_json: bool) -> Iterator[None]:
    """Say what cannot be used, and end with exit status 2."""
    try:
        try:
            yield
        except BadInput as error:
            raise click.BadParameter(error.problem, param_hint=f"--{error.field}") from None
        except DalError as error:
            raise click.UsageError(str(error.args[-1])) from None
    except click.UsageError as error:
        if not as_json:
            raise
        said = {"verdict": "unknown", "status": 2, "error": error.format_message()}
        click.echo(json.dumps(said, ensure_ascii=False))
        raise click.exceptions.Exit(2) from None


def _pairs(sign: str) -> Any:  # noqa: ANN401 (a callback of click)
    """Return what turns NAME=VALUE texts into pairs."""

    def split(
        _context: click.Context, option: click.Parameter, texts: Sequence[str]
    ) -> tuple[tuple[str, str], ...]:
        found = []
        for text in texts:
            name, between, value = text.partition(sign)
            if not between or not name.strip():
                raise click.BadParameter(f"{text!r}: write NAME{sign}VALUE", param=option)
            found.append((name.strip(), value.strip() if sign == ":" else value))
        return tuple(found)

    return split


EXAMPLE = (
    "\b\nfreshledger probe --url http://127.0.0.1:5000/transactions \\\n"
    "    --database postgresql://me@localhost/shop \\\n"
    "    --table transactions --key id=1 --column note \\\n"
    "    --other-url http://127.0.0.1:5000/contacts/1"
)


@click.command(cls=Plain, epilog=EXAMPLE)
@click.option("--url", required=True, help="The page that shows the value.")
@click.option(
    "--database",
    required=True,
    metavar="URL",
    help="What the page reads: postgresql://, mysql://, mariadb:// or sqlite:///.",
)
@click.option("--table", help="Where the value is; may name the schema: sales.books.")
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="COLUMN=VALUE",
    callback=_pairs("="),
    help="Which row, as in id=7; may be repeated.",
)
@click.option("--column", help="Which column of it: free text, or numbers.")
@click.option("--sql", help="Instead of these: an UPDATE with :value in it.")
@click.option("--old-sql", default="", help="With --sql: a SELECT of the one value that it writes.")
@click.option("--old", help="With --sql, or this: the value that is there now.")
@click.option(
    "--cookie",
    "cookies",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_pairs("="),
    help="Sent with each request; may be repeated.",
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME:VALUE",
    callback=_pairs(":"),
    help="Sent with each request; may be repeated.",
)
@click.option(
    "--other-url",
    metavar="URL",
    help="POSTed to where the page stays old: does a write by the application help?",
)
@click.option(
    "--other-data",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_pairs("="),
    help="A field of that form; may be repeated.",
)
@click.option(
    "--worker-header",
    default="",
    metavar="NAME",
    help="The header that tells which worker answered, if it is not found by itself.",
)
@click.option(
    "--rounds", type=click.IntRange(1, 1000), default=10, show_default=True, help="Changes to make."
)
@click.option(
    "--patience",
    type=click.FloatRange(0.1),
    default=5.0,
    show_default=True,
    help="Seconds to wait for one change to be everywhere.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    default=60.0,
    show_default=True,
    help="Seconds to take at most.",
)
@click.option(
    "--requests",
    type=click.IntRange(20),
    default=2000,
    show_default=True,
    help="Requests to send at most.",
)
@click.option(
    "--connections",
    type=click.IntRange(2, 64),
    default=8,
    show_default=True,
    help="Visitors at the same time; half of them keep their connection.",
)
@click.option("--insecure", is_flag=True, help="Take any TLS certificate.")
@click.option("--yes-remote", is_flag=True, help="Write to a database that is not on this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; errors too.")
@click.pass_context
def probe(context: click.Context, /, **options: Any) -> None:  # noqa: ANN401 (of many types)
    """Tell whether a running application shows what its database holds, and if not, why.

    It changes one value by SQL, a few times, and asks for the page on several connections; at the
    end, also after Ctrl-C, the old value is back. The statement that would put it back by hand is
    printed first. What the table's triggers do meanwhile stays done, as with any UPDATE.

    Exit status: 0 fresh, 1 not fresh, 2 could not be told.
    """
    aim, change = _aim(options), _change(options)
    limits = Limits(**{each.name: options[each.name] for each in fields(Limits)})
    url = options["database"]
    if not targets.is_local(targets.parsed(url)) and not options["yes_remote"]:
        raise click.BadParameter(
            "this database is not on this machine, and the probe writes to it; add --yes-remote"
            " if that is meant",
            param_hint="--database",
        )
    context.exit(Run(aim, limits, as_json=options["as_json"]).over(url, change))


def _aim(options: dict[str, Any]) -> Aim:
    """Return what is asked, and with which headers."""
    headers = dict(options["headers"])
    if cookies := options["cookies"]:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies)
    return Aim(
        page=_address("--url", options["url"], headers, trusting=options["insecure"]),
        other=_address("--other-url", options["other_url"], headers, trusting=options["insecure"])
        if options["other_url"]
        else None,
        form=dict(options["other_data"]),
        worker_header=options["worker_header"],
    )


def _address(option: str, url: str, headers: dict[str, str], *, trusting: bool) -> Address:
    try:
        return asking.address(url, headers, trusting=trusting)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def _change(options: dict[str, Any]) -> marking.Spot | marking.Statement:
    place = {name: options[name] for name in ("table", "keys", "column")}
    if options["sql"]:
        if any(place.values()):
            raise click.UsageError("--sql stands instead of --table, --key and --column.")
        if not options["old_sql"] and options["old"] is None:
            raise click.BadParameter(
                "say what is there now, so that it can be put back: --old-sql 'SELECT …' or"
                " --old VALUE",
                param_hint="--sql",
            )
        return marking.Statement(sql=options["sql"], old_sql=options["old_sql"], old=options["old"])
    for name in ("table", "column"):
        if not place[name]:
            raise click.UsageError(f"Missing option '--{name}': say what to change, with --table,"
                                   " --key and --column, or with --sql.")  # fmt: skip
    return marking.Spot(**place)
