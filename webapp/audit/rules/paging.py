"""Pages cut by OFFSET from an order that leaves rows free to move."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from webapp.audit.cases import Case, Found, Rule
from webapp.audit.findings import Sure
from webapp.audit.kinds import Kind
from webapp.audit.models import column
from webapp.audit.shapes import called_name, chain, constant, keyword, root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webapp.audit.models import Column

ASKED = (Kind.QUERY, Kind.STATEMENT)
COUNTING = {"count"}


def loose_offsets(case: Case) -> Iterator[Found]:
    """Find OFFSET without an order, or with one that is not unique."""
    for call in case.program.each(ast.Call):
        asked = _cut(case, call)
        if asked is None:
            continue
        calls, known = _calls(case, asked)
        orders = [each for each in calls if called_name(each.func) == "order_by"]
        by = [arg for each in orders for arg in each.args]
        if not orders:
            yield from _unordered(call, known=known and not _orders_itself(case, asked))
        elif (sure := _doubt(case, by)) is not None:
            why = "the order is not unique: rows that are equal in it move between pages"
            yield Found(call, sure, why)


def _unordered(call: ast.Call, *, known: bool) -> Iterator[Found]:
    if known:
        why = "OFFSET without ORDER BY: the database may give the rows in any order, each time"
        yield Found(call, Sure.CERTAIN, why)


def _cut(case: Case, call: ast.Call) -> ast.expr | None:
    """Return what a call cuts a page from."""
    name = called_name(call.func)
    if not isinstance(call.func, ast.Attribute):
        return None
    base = call.func.value
    kind = case.kind(base)
    if name == "offset" and kind in ASKED:
        return None if constant(call.args[0] if call.args else None) == 0 else base
    if name == "paginate":
        if kind is Kind.EXTENSION:
            return call.args[0] if call.args else keyword(call, "select")
        return base if kind in ASKED else None
    return None


def _calls(case: Case, asked: ast.expr) -> tuple[list[ast.Call], bool]:
    """Return every call that a statement went through, and whether its beginning was seen."""
    found: list[ast.Call] = []
    waiting, seen = [asked], {asked}
    known = True
    while waiting:
        node = waiting.pop()
        steps = list(chain(node))
        found += steps
        start = root(node)
        if isinstance(start, ast.Name) and case.kind(start) in ASKED:
            bound = _bindings(case, start)
            known = known and bool(bound)
            waiting += [each for each in bound if each not in seen]
            seen.update(bound)
        ours = [each for each in steps if case.called(each.func) is not None]
        known = known and not ours  # a function of the program may order it
    return found, known


def _bindings(case: Case, name: ast.Name) -> list[ast.expr]:
    """Return all that a name is bound to; nothing if a part of it comes from elsewhere."""
    for scope in case.program.scope(name).visible():
        if name.id in scope.names:
            bound = scope.names[name.id]
            if all(each.how == "value" for each in bound):
                return [each.expr for each in bound if each.expr is not None]
            return []
    return []


def _orders_itself(case: Case, asked: ast.expr) -> bool:
    """Return whether the model has an order of its own, as SQLAlchemy 1 knew it."""
    model = case.value(asked).node
    return not isinstance(model, ast.ClassDef | ast.Call) or any(
        isinstance(each, ast.Constant) and each.value == "order_by" for each in ast.walk(model)
    )


def _doubt(case: Case, by: list[ast.expr]) -> Sure | None:
    """Return how sure it is that an order is not unique; None: it is."""
    found = [_column(case, each) for each in by]
    if any(each is not None and each.unique for each in found):
        return None
    if any(each in ("id", "pk") for each in map(_word, by)):
        return None
    return Sure.LIKELY if found and all(found) else Sure.LOOK


def _column(case: Case, expr: ast.expr) -> Column | None:
    """Return the column that is ordered by: Tx.at.desc(), desc(Tx.at)."""
    for each in ast.walk(expr):
        if (found := column(case, each)) is not None:
            return found
    return None


def _word(expr: ast.expr) -> str:
    """Return the last name of an order, however it is written: id, "id", text("tx.id desc")."""
    attributes = [each.attr for each in ast.walk(expr) if isinstance(each, ast.Attribute)]
    named = {"id", "pk"} & set(attributes)
    texts = [str(each.value) for each in ast.walk(expr) if isinstance(each, ast.Constant)]
    parts = {part.split(".")[-1].lower() for text in texts for part in text.split()}
    return "id" if named or parts & {"id", "pk", "-id"} else ""


# ── Torn pages, hidden rows ──────────────────────────────────────────────────────────────────


def torn_pages(case: Case) -> Iterator[Found]:
    """Find functions that ask for the count and for the rows in two statements."""
    for function in case.calling.functions:
        if function not in case.calling.viewed:
            continue
        calls = [each for each in ast.walk(function) if isinstance(each, ast.Call)]
        counts = [each for each in calls if _counts(case, each)]
        rows = [each for each in calls if _asks_for_rows(case, each) and each not in counts]
        if counts and rows:
            why = "count and rows are two statements, and a change between them tears the page"
            yield Found(counts[0], Sure.LOOK, why)


def _counts(case: Case, call: ast.Call) -> bool:
    if called_name(call.func) == "count" and isinstance(call.func, ast.Attribute):
        return case.kind(call.func.value) is Kind.QUERY
    reads = case.calling.reads_here(call)
    inner = [each for arg in call.args for each in ast.walk(arg)]
    return reads and any(
        isinstance(each, ast.Call) and called_name(each.func) in COUNTING for each in inner
    )


def _asks_for_rows(case: Case, call: ast.Call) -> bool:
    many = called_name(call.func) in {"all", "scalars"}
    return many and case.calling.reads_here(call)


def hidden_rows(case: Case) -> Iterator[Found]:
    """Find comparisons with <> of a column that may be NULL."""
    for node in case.program.each(ast.Compare):
        if not isinstance(node.ops[0], ast.NotEq) or (constant(node.comparators[0]) is None and (
            isinstance(node.comparators[0], ast.Constant)
        )):  # fmt: skip
            continue
        if (found := column(case, node.left)) is not None and found.nullable:
            why = f"rows without a value in `{found.name}` are neither equal nor unequal: hidden"
            yield Found(node, Sure.LOOK, why, "Use .is_distinct_from(value).")
    for call in case.program.each(ast.Call):
        if called_name(call.func) in {"not_in", "notin_"} and isinstance(call.func, ast.Attribute):
            found = column(case, call.func.value)
            if found is not None and found.nullable:
                why = f"NOT IN hides the rows without a value in `{found.name}`"
                yield Found(call, Sure.LOOK, why, "Add `| column.is_(None)` if they belong there.")


RULES = (
    Rule(key="loose-offset", cause="offset", find=loose_offsets),
    Rule(key="torn-page", cause="torn-page", find=torn_pages),
    Rule(key="null-comparison", cause="null-comparison", find=hidden_rows),
)
