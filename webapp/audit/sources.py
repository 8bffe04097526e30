"""The files of a path, found and parsed; nothing is imported and nothing is run."""

from __future__ import annotations

import ast
import io
import os
import re
import tokenize
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from webapp.audit.findings import Unparsed

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Directories that hold what somebody else wrote, or nothing to read.
SKIPPED = {"__pycache__", "env", "node_modules", "site-packages", "venv"}
#: What tells the top of a project.
TOPS = (".git", "pyproject.toml", "setup.cfg", "setup.py", "requirements.txt")
TEMPLATES = (".html", ".jinja", ".jinja2", ".j2")
#: Files that may start gunicorn, which say whether it preloads.
STARTS = ("Procfile", "Dockerfile", "Makefile")
START_ENDINGS = (".sh", ".service", ".toml", ".yaml", ".yml")
#: A file that imports none of these, nor what does, has nothing to find.
MATTERS = re.compile(
    rb"^\s*(?:from|import)\s+(?:sqlalchemy|flask|quart|sqlmodel|fastapi|starlette|sqlite3|psycopg2?"
    rb"|pymysql|MySQLdb)\b|preload_app",
    re.MULTILINE,
)
LARGEST = 4_000_000  # bytes of a file that is still read


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One parsed file."""

    path: Path
    tree: ast.Module
    lines: tuple[str, ...]
    matters: bool  # whether it imports what may read a database


def files(path: Path) -> Iterator[Path]:
    """Yield every file of a directory, sorted, or the file itself; links are followed once."""
    if path.is_file():
        yield path
        return
    status = path.stat()
    seen = {(status.st_dev, status.st_ino)}
    for folder, folders, names in os.walk(path, followlinks=True):
        folders[:] = sorted(name for name in folders if _wanted(Path(folder, name), seen))
        yield from (Path(folder, name) for name in sorted(names))


def _wanted(folder: Path, seen: set[tuple[int, int]]) -> bool:
    if folder.name in SKIPPED or folder.name.startswith(".") or (folder / "pyvenv.cfg").exists():
        return False
    try:
        status = folder.stat()
    except OSError:
        return False
    key = (status.st_dev, status.st_ino)
    if key in seen:
        return False
    seen.add(key)
    return True


def content(path: Path) -> bytes:
    """Return what stands in a file.

    Raises OSError if it cannot be read, ValueError if nobody can have written it by hand.
    """
    if path.stat().st_size > LARGEST:
        raise ValueError("too large to have been written by hand")
    return path.read_bytes() if path.is_file() else b""


def parse(path: Path) -> Source | Unparsed:
    """Return a file's syntax tree, or why there is none."""
    try:
        data = content(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an escape that Python will refuse one day
            tree = ast.parse(data, filename=str(path))
    except SyntaxError as error:
        return Unparsed(path=path, line=error.lineno or 0, reason=error.msg or "no Python")
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        return Unparsed(path=path, line=0, reason=str(error) or type(error).__name__)
    return Source(path=path, tree=tree, lines=tuple(text(data).splitlines()),
                  matters=MATTERS.search(data) is not None)  # fmt: skip


def text(data: bytes) -> str:
    """Return what bytes say in the encoding that they declare."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError:
        encoding = "utf-8"
    return data.decode(encoding, "replace")


def top(path: Path) -> Path:
    """Return the directory that a program's absolute imports can begin in at the earliest."""
    folder = (path if path.is_dir() else path.parent).resolve()
    for each in (folder, *folder.parents):
        if any((each / name).exists() for name in TOPS):
            return each
    while (folder / "__init__.py").exists() and folder.parent != folder:
        folder = folder.parent
    return folder


def imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the dotted names that a file imports, each with the level of a relative import."""
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield base, node.level
            yield from ((f"{base}.{alias.name}".strip("."), node.level) for alias in node.names)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements of a file, without a look at their expressions."""
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        for each in getattr(node, part, ()):
            yield each
            yield from _statements(each)
