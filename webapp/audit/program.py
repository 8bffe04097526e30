"""Every file of a path together: who imports whom, and what surrounds a node."""

from __future__ import annotations

import ast
import gc
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from webapp.audit.findings import Unparsed
from webapp.audit.modules import Module, Surroundings
from webapp.audit.sources import (
    START_ENDINGS,
    STARTS,
    TEMPLATES,
    content,
    files,
    imports,
    parse,
    text,
    top,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from webapp.audit.modules import Function, Scope

N = TypeVar("N", bound=ast.AST)
#: Up to so many files everything is looked at; beyond, what cannot reach a database is left out.
SMALL = 400


@dataclass(slots=True, eq=False)
class Program:
    """The parsed files of a path."""

    root: Path
    top: Path
    modules: dict[str, Module] = field(default_factory=dict)  # by their path
    unparsed: list[Unparsed] = field(default_factory=list)
    templates: list[Path] = field(default_factory=list)
    starts: list[Path] = field(default_factory=list)  # files that may start a server
    count: int = 0  # Python files
    _known: dict[str, list[str]] = field(default_factory=dict)  # last name → paths
    _located: dict[tuple[str, str], str] = field(default_factory=dict)
    _idle: set[str] = field(default_factory=set)  # files that cannot reach a database
    surroundings: Surroundings = field(default_factory=Surroundings)

    @classmethod
    def load(cls, path: Path, watch: Callable[[Path], object] = lambda _: None) -> Program:
        """Parse what stands under a path; each Python file is told to `watch`."""
        program = cls(path, top(path))
        found = [each for each in files(path) if program._takes(each)]
        program.count = len(found)
        for each in found:
            program._note(str(each.resolve()))
        with undisturbed():
            program._parse_all(found, watch)
        return program

    def _takes(self, path: Path) -> bool:
        """Return whether it is Python; note what else matters."""
        if path.suffix in TEMPLATES:
            self.templates.append(path)
        elif path.name in STARTS or path.suffix in START_ENDINGS:
            self.starts.append(path)
        return (path.suffix == ".py" and path.is_file()) or path == self.root

    def _note(self, path: str) -> None:
        name = os.path.basename(path).removesuffix(".py")  # noqa: PTH119  # thousands of them
        last = Path(path).parent.name if name == "__init__" else name
        self._known.setdefault(last, []).append(path)

    def _parse_all(self, found: list[Path], watch: Callable[[Path], object]) -> None:
        waiting: dict[str, tuple[Path, set[str]]] = {}  # not yet known to matter
        for path in found:
            watch(path)
            parsed = parse(path)
            key = str(path.resolve())
            if isinstance(parsed, Unparsed):
                self.unparsed.append(parsed)
            elif len(found) <= SMALL or parsed.matters:
                self.modules[key] = Module.of(parsed, self.surroundings, audited=True)
            else:
                waiting[key] = (path, {self.locate(key, *each) for each in imports(parsed.tree)})
        self._reach(waiting)

    def _reach(self, waiting: dict[str, tuple[Path, set[str]]]) -> None:
        """Take in what imports what matters; the rest is not looked at again."""
        while reached := [key for key, (_, used) in waiting.items() if used & self.modules.keys()]:
            for key in reached:
                parsed = parse(waiting.pop(key)[0])
                if not isinstance(parsed, Unparsed):
                    self.modules[key] = Module.of(parsed, self.surroundings, audited=True)
        self._idle = set(waiting)

    # ── Finding modules ──────────────────────────────────────────────────────────────────────

    def locate(self, importer: str, dotted: str, level: int = 0) -> str:
        """Return the path of an imported module, "" if it is none of the program's."""
        folder = os.path.dirname(importer)  # noqa: PTH120  # thousands of them
        for _ in range(level - 1):
            folder = os.path.dirname(folder)  # noqa: PTH120
        key = (f"{level > 0}{folder}", dotted)
        if key not in self._located:
            self._located[key] = self._search(folder, dotted, relative=level > 0)
        return self._located[key]

    def _search(self, folder: str, dotted: str, *, relative: bool) -> str:
        parts = dotted.split(".") if dotted else []
        if relative:
            return self._at(folder, parts)
        for base in self._bases(folder):
            if found := self._at(base, parts):
                return found
        tail = os.sep + dotted.replace(".", os.sep)
        ends = (f"{tail}.py", f"{tail}{os.sep}__init__.py")
        near = [path for path in self._known.get(parts[-1] if parts else "", ())
                if path.endswith(ends)]  # fmt: skip
        return near[0] if len(near) == 1 and len(parts) > 1 else ""

    def _bases(self, folder: str) -> Iterator[str]:
        """Yield a folder and those above it, up to the top of the project."""
        yield folder
        while folder != str(self.top) and folder != os.path.dirname(folder):  # noqa: PTH120
            folder = os.path.dirname(folder)  # noqa: PTH120
            yield folder

    def _at(self, folder: str, parts: list[str]) -> str:
        stem = os.path.join(folder, *parts)  # noqa: PTH118  # thousands of them
        for path in (f"{stem}.py", os.path.join(stem, "__init__.py")):  # noqa: PTH118
            if path in self.modules or os.path.isfile(path):  # noqa: PTH113
                return path
        return ""

    def module_at(self, path: str) -> Module | None:
        """Return the module of a path; what is not audited is parsed to explain names."""
        if path and path not in self.modules and path not in self._idle:
            parsed = parse(Path(path))
            if isinstance(parsed, Unparsed):
                return None
            self.modules[path] = Module.of(parsed, self.surroundings, audited=False)
        return self.modules.get(path)

    def imported(self, module: Module, dotted: str, level: int) -> tuple[Module, list[str]] | None:
        """Return the longest module that a dotted name begins with, and what is left of it."""
        parts = dotted.split(".") if dotted else []
        for length in range(len(parts), -1 if level else 0, -1):
            path = self.locate(module.file, ".".join(parts[:length]), level)
            if path and (found := self.module_at(path)) is not None:
                return found, parts[length:]
        return None

    def starred(self, module: Module, name: str) -> Scope | None:
        """Return the scope that `from x import *` brings a name from."""
        seen, waiting = {module.file}, [module]
        while waiting:
            for each in waiting.pop().scope.names.get("*", []):
                found = self.imported(module, each.target.removesuffix("*").strip("."), each.level)
                if found is None or found[1] or found[0].file in seen:
                    continue
                if name in found[0].scope.names:
                    return found[0].scope
                seen.add(found[0].file)
                waiting.append(found[0])
        return None

    # ── Around a node ────────────────────────────────────────────────────────────────────────

    def of(self, node: ast.AST) -> Module:
        """Return the module that a node stands in."""
        return self.surroundings.scopes[node].module

    def scope(self, node: ast.AST) -> Scope:
        """Return the scope that a node is evaluated in."""
        return self.surroundings.scopes[node]

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what a node stands in, from the inside out."""
        parents = self.surroundings.parents
        current = parents.get(node)
        while current is not None:
            yield current
            current = parents.get(current)

    def parent(self, node: ast.AST) -> ast.AST | None:
        """Return what a node stands in directly."""
        return self.surroundings.parents.get(node)

    def function(self, node: ast.AST) -> Function | None:
        """Return the function in which a node is evaluated; None: at import."""
        return self.scope(node).function

    def statement(self, node: ast.AST) -> ast.stmt:
        """Return the statement that a node is or stands in."""
        around = (each for each in (node, *self.around(node)) if isinstance(each, ast.stmt))
        return next(around, ast.Pass())

    def at_import(self, node: ast.AST) -> bool:
        """Return whether a node is evaluated when its module is imported."""
        if self.function(node) is not None:
            return False
        return not any(_never_imported(each) for each in self.around(node))

    def audited(self) -> Iterable[Module]:
        """Return the modules in which findings are wanted."""
        return [each for each in list(self.modules.values()) if each.audited]

    def each(self, kind: type[N]) -> Iterator[N]:
        """Yield the nodes of one type in what is audited."""
        for module in self.audited():
            yield from module.each(kind)

    def texts(self, paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
        """Yield what stands in files that can be read."""
        for path in paths:
            try:
                yield path, text(content(path))
            except (OSError, ValueError):
                continue


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keep the garbage collector from walking syntax trees again and again: nothing is garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _never_imported(node: ast.AST) -> bool:
    """Return whether it is `if __name__ == "__main__"` or `if TYPE_CHECKING`."""
    if not isinstance(node, ast.If):
        return False
    names = {each.id for each in ast.walk(node.test) if isinstance(each, ast.Name)}
    names |= {each.attr for each in ast.walk(node.test) if isinstance(each, ast.Attribute)}
    return bool(names & {"__name__", "TYPE_CHECKING"})
