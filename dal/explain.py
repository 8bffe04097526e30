"""What PostgreSQL does for a statement: the plan as a tree, with the buffers and rows it touched.

Times and costs are left out of the tree: they differ on every machine, buffers and rows do not.

EXPLAIN: https://www.postgresql.org/docs/18/using-explain.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Executable

DIALECT = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
#: What tells one node of its kind from another, in this order.
TOLD = (
    "Subplan Name",
    "Index Name",
    "Relation Name",
    "CTE Name",
    "Index Cond",
    "Recheck Cond",
    "Hash Cond",
    "Merge Cond",
    "Join Filter",
    "Filter",
    "Sort Key",
    "Group Key",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a statement was answered once."""

    tree: tuple[str, ...]  # a line per node, indented
    buffers: int  # 8 kB pages touched, in memory or not
    planning_ms: float  # of this one run
    execution_ms: float


def explain(conn: Connection, statement: Executable, parameters: Mapping[str, Any]) -> Plan:
    """Run a statement and return how it was answered.

    Args:
        conn: a read block's; a statement that writes would do so.
        statement: the one that the page runs, as its `*_statement()` returns it.
        parameters: what it binds.

    Raises:
        TooSlow: it ran into the time limit.
    """
    text, bound = compiled(statement, parameters)
    answer = conn.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}", bound)
    found = answer.scalar_one()[0]
    return Plan(
        tuple(_lines(found["Plan"])),
        _buffers(found["Plan"]),
        found["Planning Time"],
        found["Execution Time"],
    )


def compiled(statement: Executable, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a statement's text as the driver gets it, and its parameters."""
    made = statement.compile(dialect=DIALECT)  # type: ignore[attr-defined]
    return str(made), made.construct_params(dict(parameters))


def runnable(statement: Executable, parameters: Mapping[str, Any]) -> str:
    """Return a statement with its values written out, to be pasted into psql."""
    filled = statement.params(parameters)  # type: ignore[attr-defined]
    made = filled.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})
    return str(made).replace("%%", "%")


def _buffers(node: Mapping[str, Any]) -> int:
    return int(node.get("Shared Hit Blocks", 0)) + int(node.get("Shared Read Blocks", 0))


def _lines(node: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    rows = f"rows={_total(node)} buffers={_buffers(node)}"
    yield f"{'  ' * depth}{node['Node Type']}{_direction(node)}{_told(node)} ({rows})"
    for child in node.get("Plans", ()):
        yield from _lines(child, depth + 1)


def _total(node: Mapping[str, Any]) -> int:
    """Return the rows of all loops together."""
    return int(node.get("Actual Rows", 0) * node.get("Actual Loops", 1))


def _direction(node: Mapping[str, Any]) -> str:
    return " Backward" if node.get("Scan Direction") == "Backward" else ""


def _told(node: Mapping[str, Any]) -> str:
    told = (f"{name.lower()}: {_text(node[name])}" for name in TOLD if name in node)
    return "".join(f" · {each}" for each in told)


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
