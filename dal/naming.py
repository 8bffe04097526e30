"""What a statement is called, and the comment by which the server knows it.

pg_stat_activity, auto_explain and pg_stat_statements show a statement as it was sent:

    WITH /* transactions page: wallet, type!; newest first; after */ slice AS …

The comment stands behind the first word: PostgreSQL 18 cuts off what stands ahead of it. A page is
named by its filter's shape, everything else by the function that sends it, which is where to look
for it. A name never holds a value of a filter. It is no part of what pg_stat_statements counts by:
equal statements of two names are one row there, under the name that came first.

https://www.postgresql.org/docs/18/pgstatstatements.html
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from sqlalchemy.sql.base import Executable

    Asked = TypeVar("Asked", bound=Executable)

OPTION = "freshledger_name"
#: Blanks and lines of comment, then the first word, and its name if it has one.
BEGIN = re.compile(r"((?:\s|--.*\n)*\w+)( /\* [^*]+ \*/)?")
#: What cannot stand in a comment, or means something to the driver.
STRANGE = re.compile(r"[^\w .,:;=<>!\[\]()+-]")
#: Modules that send what others ask.
CARRIERS = frozenset({"dal.driver", "dal.naming"})


def named(statement: Asked, name: str) -> Asked:
    """Return the statement under a name."""
    return statement.execution_options(**{OPTION: name})


def marked(text: str, statement: Executable | None = None) -> str:
    """Return a statement's text with its name in it, where it has none yet.

    Args:
        text: as it would be sent.
        statement: what it was made of; where that has no name, it is the sender's.
    """
    options = statement.get_execution_options() if statement is not None else {}
    return _with(text, options.get(OPTION))


def mark(_conn: Any, _cursor: Any, text: str, *told: Any) -> tuple[str, Any]:  # noqa: ANN401
    """Name whatever an engine is about to send: a listener for `before_cursor_execute`."""
    parameters, context, _many = told
    options = context.execution_options if context is not None else {}
    return _with(text, options.get(OPTION)), parameters


def name_of(text: str) -> str:
    """Return the name in a statement's text; "" if it has none.

    >>> name_of("SELECT /* dal.labels.attach */ 1")
    'dal.labels.attach'
    """
    found = BEGIN.match(text)
    return found[2].strip(" /*") if found and found[2] else ""


def _with(text: str, name: str | None) -> str:
    found = BEGIN.match(text)
    if found is None or found[2]:
        return text
    name = STRANGE.sub("?", name or sender())
    return f"{found[1]} /* {name} */{text[found.end() :]}" if name else text


def sender() -> str:
    """Return the nearest public function of the data layer at work, as in dal.labels.attach."""
    inner = ""
    for name in _working():
        if "._" not in name:
            return name
        inner = inner or name
    return inner


def _working() -> Iterator[str]:
    """Yield the functions of the data layer that are at work, the innermost first."""
    frame = inspect.currentframe()
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("dal.") and module not in CARRIERS:
            yield f"{module}.{frame.f_code.co_qualname.partition('.<locals>')[0]}"
        frame = frame.f_back


# ── Names by shape ───────────────────────────────────────────────────────────────────────────


def shaped(what: str, shape: Sequence[tuple[str, bool, Hashable]], *more: str) -> str:
    """Return the name of a statement about the transactions of every filter of a shape.

    >>> shaped("totals", [("wallet", True, True), ("has", False, ("label",))])
    'totals: wallet![], has=label'
    """
    asked = ", ".join(_condition(*part) for part in shape) or "everything"
    return "; ".join((f"{what}: {asked}", *filter(None, more)))


def _condition(key: str, negated: bool, values: Hashable) -> str:  # noqa: FBT001
    """Return a condition: "!" negates it, "[]" stands for several values of it."""
    words = values if isinstance(values, tuple) else ()
    listed = ",".join(word for word in words if isinstance(word, str))
    several = "[]" if values is True or (len(words) > 1 and not listed) else ""
    return key + "!" * negated + several + (f"={listed}" if listed else "")


def place(at: tuple[str, bool, bool] | None) -> str:
    """Return where a page lies, in a word or two.

    Args:
        at: which side of its cursor, whether that lies at a row, and whether its reader comes from
            another page; None: there is no cursor.
    """
    side, placed, comes = at or ("after", False, False)
    if not placed:
        return "last page" if side == "before" else "first page"
    return f"{side}, with what moved" if comes else side
