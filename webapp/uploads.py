"""Files that were sent and wait for a decision: looked at, not yet imported.

Each upload is a folder of a random name below FRESHLEDGER_HOME; who knows the signed name may read
it. What nobody decided on within a day is thrown away.
"""

from __future__ import annotations

import json
import secrets
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dal.errors import BadInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from werkzeug.datastructures import FileStorage

DAY = 24 * 60 * 60.0  # seconds
CONTENTS = "contents.json"
CLAIMED = ".claimed"
LONGEST_NAME = 150


@dataclass(frozen=True, slots=True)
class Upload:
    """What was sent together, and what was said of it."""

    folder: Path
    files: tuple[str, ...]  # their names as sent; stored under their numbers
    wallet: str  # "" lets each file tell
    network: str  # "" lets each file tell

    def read(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of each file."""
        for number, name in enumerate(self.files):
            yield name, (self.folder / str(number)).read_bytes()


def keep(home: Path, sent: Iterable[FileStorage], wallet: str, network: str) -> str:
    """Keep what was sent, and return the name to ask for it by.

    Raises:
        BadInput: nothing was sent.
    """
    clean(home)
    files = [file for file in sent if file.filename]
    if not files:
        raise BadInput("file", "choose at least one file")
    name = secrets.token_urlsafe(24)
    folder = home / name
    folder.mkdir(mode=0o700, parents=True)
    for number, file in enumerate(files):
        file.save(folder / str(number))
    names = [_harmless(file.filename or "") for file in files]
    contents = {"files": names, "wallet": wallet, "network": network}
    (folder / CONTENTS).write_text(json.dumps(contents))
    return name


def find(home: Path, name: str) -> Upload:
    """Return an upload.

    Raises:
        NotFound: it was imported, discarded, or thrown away after a day.
    """
    try:
        contents = json.loads((home / name / CONTENTS).read_text())
    except OSError:
        raise NotFound("upload", f"{name[:6]}…") from None
    return Upload(home / name, tuple(contents["files"]), contents["wallet"], contents["network"])


@contextmanager
def claimed(home: Path, name: str) -> Iterator[Upload]:
    """Yield an upload for good: nobody else can claim it, and it is gone when the block succeeds.

    Raises:
        NotFound: as `find`; a second click on the button finds nothing left to import.
    """
    mine = f"{name}{CLAIMED}"
    try:
        (home / name).rename(home / mine)
    except OSError:
        raise NotFound("upload", f"{name[:6]}…") from None
    try:
        yield find(home, mine)
    except BaseException:
        (home / mine).rename(home / name)
        raise
    shutil.rmtree(home / mine, ignore_errors=True)


def discard(home: Path, name: str) -> None:
    """Throw an upload away."""
    shutil.rmtree(home / name, ignore_errors=True)


def clean(home: Path) -> None:
    """Throw away what nobody decided on within a day."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in home.iterdir():
        if folder.is_dir() and time.time() - folder.stat().st_mtime > DAY:
            shutil.rmtree(folder, ignore_errors=True)


def _harmless(name: str) -> str:
    """Return a file's name without its folders and without what cannot be shown."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter if letter.isprintable() else "�" for letter in last)[:LONGEST_NAME]
