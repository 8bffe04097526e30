"""What PostgreSQL does for a statement: the plan as a tree, with the buffers and rows it touched.

Times and costs are left out of the tree: they differ on every machine, buffers and rows do not.
Some plans hold several ways and choose when they run; the ways not taken are left out, too.

EXPLAIN: https://www.postgresql.org/docs/18/using-explain.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import literal
from sqlalchemy.dialects import postgresql

from dal import naming

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Executable
    from sqlalchemy.types import TypeEngine


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

NAMED = re.compile(r"%\((\w+)\)s")
#: Rows that a scan reads for nothing.
THROWN = ("Rows Removed by Filter", "Rows Removed by Index Recheck")


@dataclass(frozen=True, slots=True)
class Node:
    """A step of a plan."""

    depth: int
    text: str  # its kind, and what tells it from others of its kind
    loops: int  # how often it ran; 0: never
    rows: int  # that it gave, all loops together
    touched: int  # rows that a scan read, those that it threw away included; else 0
    buffers: int  # 8 kB pages touched by it and all below it
    index: str = ""  # that it reads, if it does

    @property
    def line(self) -> str:
        """Return it as a line of the tree."""
        told = f"rows={self.rows} buffers={self.buffers}" if self.loops else "never executed"
        return f"{'  ' * self.depth}{self.text} ({told})"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a statement was answered once."""

    nodes: tuple[Node, ...]  # the way down, from the whole to its parts
    planning_ms: float  # of this one run
    execution_ms: float

    @property
    def tree(self) -> tuple[str, ...]:
        """Return a line for each node that ran, indented."""
        return tuple(node.line for node in self.nodes if node.loops)

    @property
    def whole(self) -> tuple[str, ...]:
        """Return a line for each node, those that were not run among them."""
        return tuple(node.line for node in self.nodes)

    @property
    def buffers(self) -> int:
        """Return the 8 kB pages touched, in memory or not."""
        return self.nodes[0].buffers

    @property
    def touched(self) -> int:
        """Return the rows that its scans read."""
        return sum(node.touched for node in self.nodes)


def explain(conn: Connection, statement: Executable, parameters: Mapping[str, Any]) -> Plan:
    """Run a statement and return how it was answered.

    Args:
        conn: a read block's; a statement that writes would do so.
        statement: the one that the page runs, as its `*_statement()` returns it.
        parameters: what it binds.

    Raises:
        TooSlow: it ran into the time limit.
    """
    text, values = _numbered(statement, parameters)
    conn.exec_driver_sql(f"PREPARE explained AS {text}")
    try:
        asked = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE explained{values}"
        found = conn.exec_driver_sql(asked.replace("%", "%%")).scalar_one()[0]
    finally:
        _forget(conn)
    return Plan(tuple(nodes(found["Plan"])), found["Planning Time"], found["Execution Time"])


def _numbered(statement: Executable, parameters: Mapping[str, Any]) -> tuple[str, str]:
    """Return a statement as a page prepares it, and the values that it is executed with.

    A page's statement is planned once for all values; with the values in it, it would not be.
    """
    made = statement.compile(dialect=DIALECT)  # type: ignore[attr-defined]
    bound, names = made.construct_params(dict(parameters)), []

    def number(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    text = NAMED.sub(number, naming.marked(str(made), statement))
    written = [_written(bound[name], made.binds[name].type) for name in names]
    return text, f"({', '.join(written)})" if written else ""


def _written(value: object, kind: TypeEngine[Any]) -> str:
    as_text = {"literal_binds": True}
    return str(literal(value, kind).compile(dialect=DIALECT, compile_kwargs=as_text))


def _forget(conn: Connection) -> None:
    """Forget what was prepared, unless its error has ended the transaction around it."""
    driver: Any = conn.connection.driver_connection
    if driver.info.transaction_status.name != "INERROR":
        conn.exec_driver_sql("DEALLOCATE explained")


def compiled(statement: Executable, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a statement's text as the driver gets it, and its parameters."""
    made = statement.compile(dialect=DIALECT)  # type: ignore[attr-defined]
    return naming.marked(str(made), statement), made.construct_params(dict(parameters))


def runnable(statement: Executable, parameters: Mapping[str, Any]) -> str:
    """Return a statement with its values written out, to be pasted into psql."""
    filled = statement.params(parameters)  # type: ignore[attr-defined]
    made = filled.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})
    return naming.marked(str(made), statement).replace("%%", "%")


def psql(url: str, text: str) -> str:
    """Return the line of a shell that repeats it: it ends where no line of the statement does.

    Args:
        url: of the database, as the shell is to read it.
        text: a runnable statement.
    """
    lines = set(text.splitlines())
    end = next(word for word in ("SQL" + "_" * n for n in count()) if word not in lines)
    return f"psql -X {url} <<'{end}'\nEXPLAIN (ANALYZE, BUFFERS) {text};\n{end}"


def _buffers(node: Mapping[str, Any]) -> int:
    return int(node.get("Shared Hit Blocks", 0)) + int(node.get("Shared Read Blocks", 0))


def nodes(node: Mapping[str, Any], depth: int = 0) -> Iterator[Node]:
    """Yield the steps of a plan as EXPLAIN (FORMAT JSON) tells them, the whole first."""
    loops = int(node.get("Actual Loops", 0))
    given = node.get("Actual Rows", 0)
    thrown = sum(node.get(name, 0) for name in THROWN)
    yield Node(
        depth,
        f"{_hashed(node)}{node['Node Type']}{_direction(node)}{_told(node)}",
        loops,
        int(given * loops),
        int((given + thrown) * loops) if _reads(node) else 0,
        _buffers(node),
        str(node.get("Index Name", "")),
    )
    for child in node.get("Plans", ()):
        yield from nodes(child, depth + 1)


def _hashed(node: Mapping[str, Any]) -> str:
    """Return what psql puts before a set operation that hashes; else it sorts all it compares."""
    return "Hash" if (node["Node Type"], node.get("Strategy")) == ("SetOp", "Hashed") else ""


def _reads(node: Mapping[str, Any]) -> bool:
    """Return whether it reads a table or an index: a bitmap's rows are read from the table."""
    return "Relation Name" in node


def _direction(node: Mapping[str, Any]) -> str:
    return " Backward" if node.get("Scan Direction") == "Backward" else ""


def _told(node: Mapping[str, Any]) -> str:
    told = (f"{name.lower()}: {_text(node[name])}" for name in TOLD if name in node)
    return "".join(f" · {each}" for each in told)


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
