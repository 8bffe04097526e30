"""Sessions that several threads use, and engines that several processes use."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from webapp.audit.cases import Case, Found, Rule
from webapp.audit.findings import Sure
from webapp.audit.kinds import READERS, READING, Kind
from webapp.audit.modules import FUNCTIONS
from webapp.audit.shapes import called_name, keyword, own_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webapp.audit.modules import Function

#: What starts a thread: where in its arguments stands the function.
STARTERS = {"submit": 0, "to_thread": 0, "run_in_executor": 1, "run_in_threadpool": 0,
            "start_new_thread": 0, "Timer": 1, "map": 0, "apply_async": 0,
            "start_background_task": 0, "spawn": 0}  # fmt: skip
THREADS = {("threading", "Thread"), ("threading", "Timer"), ("_thread", "start_new_thread"),
           ("asyncio", "to_thread"), ("starlette", "run_in_threadpool"),
           ("fastapi", "run_in_threadpool"), ("gevent", "spawn")}  # fmt: skip
EXECUTORS = {"executor", "pool", "loop", "socketio", "scheduler"}
JOINED = {"join", "result", "wait", "as_completed"}
SHARED = (Kind.SESSION, Kind.CONNECTION, Kind.QUERY)
CURE = "Hand over ids; let the thread open its own session: `with Session() as session:`."


def sessions_in_threads(case: Case) -> Iterator[Found]:
    """Find sessions, and objects that they loaded, that are handed to another thread."""
    for call in case.program.each(ast.Call):
        work = _work(case, call)
        if work is None:
            continue
        handed = [*_arguments(call, work), *_closed_over(case, work)]
        for each in handed:
            if (found := _judged(case, call, each)) is not None:
                yield found
                break
    yield from _objects_in_messages(case)


def _work(case: Case, call: ast.Call) -> ast.expr | None:
    """Return the function that a call runs in another thread."""
    name = called_name(call.func)
    outside = case.outside(call.func)
    if outside in THREADS:
        found = keyword(call, "target") or keyword(call, "function")
        where = STARTERS.get(name, -1)
        return found or (call.args[where] if 0 <= where < len(call.args) else None)
    if name in STARTERS and isinstance(call.func, ast.Attribute):
        base = called_name(call.func.value).lower()
        if any(word in base for word in EXECUTORS) and len(call.args) > STARTERS[name]:
            return call.args[STARTERS[name]]
    return None


def _arguments(call: ast.Call, work: ast.expr) -> list[ast.expr]:
    found = [each for each in call.args if each is not work]
    for each in call.keywords:
        if each.arg in ("args", "kwargs") and isinstance(each.value, ast.Tuple | ast.List):
            found += each.value.elts
        elif each.arg in ("args", "kwargs") and isinstance(each.value, ast.Dict):
            found += each.value.values
        elif each.arg != "target":
            found.append(each.value)
    return found


def _closed_over(case: Case, work: ast.expr) -> list[ast.expr]:
    """Return the names of the surrounding function that an inner function uses."""
    function = case.called(work)
    around = case.function(function) if function is not None else None
    if function is None or around is None:
        return []
    names = case.program.surroundings.inner[around].names
    own = case.program.surroundings.inner[function].names
    return [
        node
        for node in own_nodes(function)
        if isinstance(node, ast.Name) and node.id in names and node.id not in own
    ]


def _judged(case: Case, call: ast.Call, given: ast.expr) -> Found | None:
    value = case.value(given)
    if not isinstance(given, ast.Name):
        return None  # made for the thread alone
    if value.kind in SHARED and _used_besides(case, call, given):
        sure = Sure.LIKELY if _awaited(case, call) or value.given else Sure.CERTAIN
        why = f"`{given.id}` is used by this thread and by the one that starts here"
        return Found(call, sure, why, CURE)
    if value.kind is Kind.OBJECT:
        why = f"`{given.id}` belongs to the session of this thread, and is used by another one"
        return Found(call, Sure.LIKELY, why, CURE)
    return None


def _used_besides(case: Case, call: ast.Call, given: ast.Name) -> bool:
    """Return whether the thread that hands a session over uses it itself."""
    place = case.calling.place(given)
    uses = case.calling.uses(place) if place else []
    inside = set(ast.walk(call))
    work = _work(case, call)
    theirs = case.called(work) if work is not None else None
    return any(each not in inside and case.function(each) is not theirs for each in uses)


def _awaited(case: Case, call: ast.Call) -> bool:
    """Return whether the function waits for threads, so that they may take turns."""
    around = case.function(call)
    nodes = own_nodes(around) if around is not None else []
    return any(isinstance(each, ast.Call) and called_name(each.func) in JOINED for each in nodes)


def _objects_in_messages(case: Case) -> Iterator[Found]:
    """Find objects that are put into a task's message."""
    for call in case.program.each(ast.Call):
        if called_name(call.func) != "delay" or not isinstance(call.func, ast.Attribute):
            continue
        for each in call.args:
            if case.kind(each) in (Kind.OBJECT, Kind.ROWS, Kind.SESSION):
                why = "the task gets a copy of the object as it is now, or none at all"
                yield Found(call, Sure.LIKELY, why, "Send the id; let the task read the row.")


# ── Forks ────────────────────────────────────────────────────────────────────────────────────

PRELOADS = re.compile(r"gunicorn[^\n]*--preload|^\s*preload_app\s*=\s*True", re.MULTILINE)
OPENING = {"create_all", "drop_all", "reflect"}


def engines_before_fork(case: Case) -> Iterator[Found]:
    """Find engines that are used at import, before gunicorn forks, or by forked children."""
    preloads, disposes = _preloads(case), _disposes(case)
    for call in case.program.each(ast.Call):
        if disposes or not _opens(case, call) or not _imported(case, call):
            continue
        if preloads:
            why = "connections are opened at import, and gunicorn preloads: its workers share them"
            yield Found(call, Sure.CERTAIN, why)
        elif case.calling.roles:
            why = "connections are opened at import; under `gunicorn --preload` workers share them"
            yield Found(call, Sure.LOOK, why)
    if not disposes:
        yield from _forks(case)


def _opens(case: Case, call: ast.Call) -> bool:
    """Return whether a call opens a connection of an engine that stays."""
    if not isinstance(call.func, ast.Attribute):
        return False
    kind = case.kind(call.func.value)
    if call.func.attr in OPENING:
        metadata = called_name(call.func.value) == "metadata"
        return kind is Kind.EXTENSION or (metadata and bool(call.args))
    return kind in READERS - {Kind.DRIVER} and (
        call.func.attr in READING
        or (kind is Kind.ENGINE and call.func.attr in {"connect", "begin"})
    )


def _imported(case: Case, call: ast.Call) -> bool:
    """Return whether a call runs at import, also in a factory that is called there."""
    if case.program.at_import(call):
        return True
    function = case.function(call)
    if function is None or function in case.calling.served:
        return False
    return any(
        case.program.at_import(each) and case.called(each.func) is function
        for each in case.program.each(ast.Call)
    )


def _preloads(case: Case) -> bool:
    program = case.program
    modules = ["\n".join(each.lines) for each in program.audited() if "gunicorn" in each.path.name]
    return any(PRELOADS.search(words) for _, words in program.texts(program.starts)) or any(
        PRELOADS.search(words) for words in modules
    )


def _disposes(case: Case) -> bool:
    """Return whether connections are given up somewhere, or not kept at all."""
    calls = {called_name(each.func) for each in case.program.each(ast.Call)}
    names = {each.attr for each in case.program.each(ast.Attribute)}
    names |= {each.id for each in case.program.each(ast.Name)}
    return "dispose" in calls or "NullPool" in names


def _forks(case: Case) -> Iterator[Found]:
    for call in case.program.each(ast.Call):
        package, name = case.outside(call.func)
        forking = package == "multiprocessing" and name == "Process"
        if not forking:
            continue
        work = keyword(call, "target")
        function = case.called(work) if work is not None else None
        if function is not None and _uses_global_engine(case, function):
            why = "the child process inherits the engine's open connections"
            cure = "Call engine.dispose(close=False) first thing in the child."
            yield Found(call, Sure.LIKELY, why, cure)


def _uses_global_engine(case: Case, function: Function) -> bool:
    """Return whether a function reads through an engine or a session that it did not make."""
    for each in case.calling.closure([function]):
        for node in own_nodes(each):
            func = node.func if isinstance(node, ast.Call) else None
            if isinstance(func, ast.Attribute) and case.calling.reads_here(node):
                base = func.value
                place = case.calling.place(base) if isinstance(base, ast.Name) else None
                made_here = place is not None and isinstance(place[0].node, FUNCTIONS)
                if not made_here:
                    return True
    return False


RULES = (
    Rule(key="session-in-thread", cause="shared-by-threads", find=sessions_in_threads),
    Rule(key="engine-before-fork", cause="engine-before-fork", find=engines_before_fork),
)
