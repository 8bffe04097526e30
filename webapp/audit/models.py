"""The columns of models and tables, as their source declares them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.audit.kinds import Kind
from webapp.audit.shapes import called_name, constant, keyword, names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webapp.audit.cases import Case

#: Types whose values can be edited in place.
MUTABLE = {"JSON", "JSONB", "PickleType", "ARRAY", "HSTORE", "JSONType"}
RELATIONS = {"relationship", "dynamic_loader", "backref"}
COLUMNS = {"Column", "mapped_column", "Field"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One attribute of a model."""

    name: str
    unique: bool = False  # the primary key, or declared unique
    nullable: bool = False  # surely so
    editable: bool = False  # its value can be edited in place, unnoticed
    foreign: bool = False
    relation: bool = False


def columns(case: Case, model: ast.AST | None) -> dict[str, Column]:
    """Return the columns and relationships of a model, those of its bases included."""
    if isinstance(model, ast.Call):
        return {each.name: each for each in _of_table(model)}
    if not isinstance(model, ast.ClassDef):
        return {}
    found: dict[str, Column] = {}
    for node in reversed(case.meaning.lineage(model)):
        found |= {each.name: each for each in _declared(node)}
    return found


def _declared(node: ast.ClassDef) -> Iterator[Column]:
    for each in node.body:
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
            yield from _column(each.targets[0].id, each.value, None)
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            yield from _column(each.target.id, each.value, each.annotation)


def _of_table(table: ast.Call) -> Iterator[Column]:
    for each in table.args[1:]:
        if isinstance(each, ast.Call) and called_name(each.func) == "Column" and each.args:
            yield from _column(str(constant(each.args[0])), each, None)


def _column(name: str, value: ast.expr | None, annotation: ast.expr | None) -> Iterator[Column]:
    mapped = annotation is not None and called_name(annotation) == "Mapped"
    if isinstance(value, ast.Call) and called_name(value.func) in RELATIONS:
        yield Column(name=name, relation=True)
    elif isinstance(value, ast.Call) and called_name(value.func) in COLUMNS:
        yield _read(name, value, annotation)
    elif mapped and annotation is not None and value is None:
        yield Column(name=name, nullable=_optional(annotation))


def _read(name: str, call: ast.Call, annotation: ast.expr | None) -> Column:
    keys = {each: constant(keyword(call, each)) for each in ("primary_key", "unique", "nullable")}
    types = [each for each in call.args if called_name(each) != "ForeignKey"]
    kinds = {called_name(each) for each in types}
    tracked = any(isinstance(each, ast.Call) and called_name(each.func) in {
        "as_mutable", "mutable_json_type"} for each in types)  # fmt: skip
    primary = keys["primary_key"] is True
    by_default = annotation is None and keyword(call, "nullable") is None and not primary
    optional = annotation is not None and _optional(annotation)
    return Column(
        name=name,
        unique=primary or keys["unique"] is True,
        nullable=keys["nullable"] is True or by_default or (optional and not primary),
        editable=bool(kinds & MUTABLE) and not tracked,
        foreign=any(called_name(each) == "ForeignKey" for each in call.args),
    )


def _optional(annotation: ast.expr) -> bool:
    words = names(annotation) | {
        str(each.value) for each in ast.walk(annotation) if isinstance(each, ast.Constant)
    }
    return bool(words & {"Optional", "None"}) or any("None" in each for each in words)


def column(case: Case, expr: ast.AST) -> Column | None:
    """Return the column that `Model.name` or `table.c.name` is."""
    if not isinstance(expr, ast.Attribute):
        return None
    base = case.value(expr.value)
    if base.kind is Kind.MODEL:
        return columns(case, base.node).get(expr.attr)
    if isinstance(expr.value, ast.Attribute) and expr.value.attr in {"c", "columns"}:
        table = case.value(expr.value.value)
        if table.kind in (Kind.TABLE, Kind.MODEL):
            return columns(case, table.node).get(expr.attr)
    return None
