"""Rows and objects that outlive the request that read them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from webapp.audit.cases import Case, Found, Rule
from webapp.audit.findings import Sure
from webapp.audit.kinds import DATA, Kind
from webapp.audit.rules.captured import grade
from webapp.audit.stores import Store, Stores

if TYPE_CHECKING:
    from collections.abc import Iterator


def held_objects(case: Case) -> Iterator[Found]:
    """Find rows and objects that are read at import, or put where they outlive the request."""
    yield from _read_at_import(case)
    stores = Stores(case)
    yield from _handed_in(case, stores)
    for store in stores.all:
        if (sure := _sure(case, stores, store)) is not None:
            yield Found(store.node, sure, _why(store))


def _read_at_import(case: Case) -> Iterator[Found]:
    for held in case.holding.held:
        kept = held.value.kind in (*DATA, Kind.SCALAR) and not held.value.given
        if not kept or "@" in held.words or case.served(held.expr):
            continue
        if isinstance(held.expr, ast.Call) and case.kind(held.expr.func) is Kind.FUNCTION:
            kept = case.calling.reads_in(held.expr)
        if kept and (sure := grade(case, held)) is not None:
            yield Found(held.expr, sure, f"{held.words} keeps what was read once, for ever")


def _handed_in(case: Case, stores: Stores) -> Iterator[Found]:
    """Find fields that are given rows when their class is made: SelectField(choices=[…])."""
    for node in case.program.each(ast.ClassDef):
        for each in node.body:
            call = each.value if isinstance(each, ast.Assign) else None
            if not isinstance(call, ast.Call) or not case.program.at_import(each):
                continue
            given = [*call.args, *(one.value for one in call.keywords)]
            if case.kind(call) is Kind.UNKNOWN and any(map(stores.carries, given)):
                why = "what is given here was read when the class was made, and stays that"
                yield Found(each, Sure.LIKELY, why, "Read it where the object is made.")


def _sure(case: Case, stores: Stores, store: Store) -> Sure | None:
    looped = isinstance(getattr(store.node, "targets", [None])[0], ast.Subscript) or isinstance(
        store.node, ast.Call
    )
    carries = stores.carries(store.value, looped=looped)
    if store.kind is Kind.CACHE or (store.keyed and store.guarded and store.kind is Kind.UNKNOWN):
        return None  # a cache by hand: another rule's
    if not carries and not (store.guarded and stores.from_database(store.value)):
        return None
    if not case.viewed(store.node):
        return Sure.LIKELY if store.guarded else Sure.LOOK
    if store.guarded and (carries or store.kind is not Kind.BROWSER):
        return Sure.LIKELY if stores.cleared(store.place) else Sure.CERTAIN
    return Sure.LIKELY


def _why(store: Store) -> str:
    if store.guarded:
        return f"{store.words} is filled once and then shown for ever"
    return f"{store.words} keeps rows or objects longer than the request that read them"


RULES = (Rule(key="held-objects", cause="held-objects", find=held_objects),)
