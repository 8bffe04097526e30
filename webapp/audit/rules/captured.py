"""Sessions and queries that were made once, and used by every request."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from webapp.audit.cases import Case, Found, Rule, options
from webapp.audit.findings import Sure
from webapp.audit.kinds import Kind
from webapp.audit.shapes import called_name, constant, own_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webapp.audit.holding import Held

ENDED = {"close", "remove", "close_all", "invalidate"}


def captured_sessions(case: Case) -> Iterator[Found]:
    """Find sessions that were made at import or in an object that is made once."""
    for held in case.holding.held:
        if held.value.kind is not Kind.SESSION or held.value.given:
            continue
        if isinstance(held.expr, ast.Call) and (sure := grade(case, held)) is not None:
            why = f"{held.words} keeps one session, and every request reads through it"
            yield Found(held.expr, sure, why)


def captured_queries(case: Case) -> Iterator[Found]:
    """Find queries that were made at import."""
    for held in case.holding.held:
        if held.value.kind is not Kind.QUERY or held.value.given:
            continue
        if (sure := grade(case, held)) is not None:
            why = f"{held.words} keeps a query, and with it the session of that moment"
            cure = "Keep a select() instead: it has no session. Execute it in the request."
            yield Found(held.expr, sure, why, cure)


def grade(case: Case, held: Held) -> Sure | None:
    """Return how sure it is that what is held serves requests; None: nobody uses it."""
    if not held.users:
        return None
    doubtful = held.value.guessed or _ended(case, held) or _renewed(case, held)
    return Sure.CERTAIN if held.users & case.calling.viewed and not doubtful else Sure.LIKELY


def _renewed(case: Case, held: Held) -> bool:
    """Return whether a request puts something new into an object that is made once."""
    if held.place is None or isinstance(held.place[0].node, ast.Module):
        return False
    return case.served(held.expr) and not case.holding.guarded(held.expr, held.place[1])


def _ended(case: Case, held: Held) -> bool:
    """Return whether what is held is closed at the end of requests, or anywhere."""
    if held.place is None:
        return False
    for use in case.calling.uses(held.place):
        above = case.program.parent(use)
        if isinstance(above, ast.Attribute) and above.attr in ENDED and case.function(use):
            return True
    return False


def pushed_contexts(case: Case) -> Iterator[Found]:
    """Find application contexts that are pushed at import and never popped."""
    if "view" not in case.calling.roles:
        return
    for call in case.program.each(ast.Call):
        if called_name(call.func) != "push" or not isinstance(call.func, ast.Attribute):
            continue
        if case.kind(call.func.value) is Kind.CONTEXT and case.program.at_import(call):
            why = "the context pushed at import is that of every request of this thread: db.session"
            yield Found(call, Sure.LIKELY, f"{why} stays one session, and no teardown ends it",
                        "Use `with app.app_context():` for what is done at import.")  # fmt: skip


def kept_values(case: Case) -> Iterator[Found]:
    """Find sessions whose objects are not expired by a commit."""
    for node, value in options(case, "expire_on_commit"):
        if constant(value) is False:
            why = "with expire_on_commit=False a commit leaves what is loaded as it was"
            cure = "Let these sessions live no longer than a request."
            yield Found(node, Sure.LOOK, why, cure)


PINNING = {"REPEATABLE READ", "SERIALIZABLE"}


def pinned_snapshots(case: Case) -> Iterator[Found]:
    """Find isolation levels under which an open transaction goes on seeing its first moment."""
    from webapp.audit.rules.scopes import missing_teardown  # noqa: PLC0415  # scopes asks grade()

    lasting = [*captured_sessions(case), *missing_teardown(case)]
    for node, value in options(case, "isolation_level"):
        level = case.constant(value)
        if str(level).upper().replace("_", " ") not in PINNING:
            continue
        sure = min((_near(case, node, each) for each in lasting), default=Sure.LOOK)
        ends = "a session here outlives the request" if lasting else "see that each request ends it"
        why = f"under {level} a transaction sees its first moment until it ends; {ends}"
        yield Found(node, sure, why)


def _near(case: Case, node: ast.AST, lasting: Found) -> Sure:
    """Return how sure it is that an engine's level is that of a session which lives on."""
    at = lasting.at
    here = isinstance(at, ast.AST) and case.program.of(node) is case.program.of(at)
    return lasting.sure if here else max(lasting.sure, Sure.LIKELY)


def unclosed_sessions(case: Case) -> Iterator[Found]:
    """Find sessions that a function makes and never closes."""
    for call in case.program.each(ast.Call):
        function = case.function(call)
        made = case.value(call)
        if made.kind is not Kind.SESSION or function is None or not case.served(call):
            continue
        above = case.program.parent(call)
        if case.kind(call.func) is Kind.REGISTRY or made.given or not isinstance(above, ast.Assign):
            continue
        target = above.targets[0]
        if isinstance(target, ast.Name) and not _let_go(case, function, target.id):
            why = f"`{target.id}` is never closed: its transaction ends when it is collected"
            cure = "Use `with Session() as session:`, which closes it also after an error."
            yield Found(call, Sure.LOOK, why, cure)


def _let_go(case: Case, function: ast.AST, name: str) -> bool:
    """Return whether a session is closed, or handed to somebody who may close it."""
    for node in own_nodes(function):
        if not isinstance(node, ast.Name) or node.id != name or isinstance(node.ctx, ast.Store):
            continue
        above = case.program.parent(node)
        if not isinstance(above, ast.Attribute) or above.attr in ENDED:
            return True
    return False


RULES = (
    Rule(key="captured-session", cause="captured-session", find=captured_sessions),
    Rule(key="captured-query", cause="captured-query", find=captured_queries),
    Rule(key="pushed-context", cause="wrong-scope", find=pushed_contexts),
    Rule(key="expire-on-commit", cause="held-objects", find=kept_values),
    Rule(key="pinned-snapshot", cause="pinned-snapshot", find=pinned_snapshots),
    Rule(key="unclosed-session", cause="no-teardown", find=unclosed_sessions),
)
