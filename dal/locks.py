"""Locks of the kernel, on files: they go with the last process that holds them, however it ends.

flock: https://man7.org/linux/man-pages/man2/flock.2.html
"""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from dal.errors import CannotServe

if sys.platform != "win32":
    import fcntl

GLANCE = 0.02  # seconds between two looks of a process that waits


def grab(path: Path, *, shared: bool = False) -> int | None:
    """Return a descriptor that holds the lock, None when somebody else does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno != errno.EWOULDBLOCK:
            raise
        return None
    return descriptor


def lock(path: Path, deadline: float, trouble: str, *, shared: bool = False) -> int:
    """Return a descriptor that holds the lock, or raise CannotServe(trouble) at the deadline."""
    while (descriptor := grab(path, shared=shared)) is None:
        if time.monotonic() > deadline:
            raise CannotServe(trouble)
        time.sleep(GLANCE)
    return descriptor


def release(descriptor: int) -> None:
    """Let go of a lock, even if a fork copied the descriptor meanwhile."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def is_free(path: Path, *, shared: bool = False) -> bool:
    """Return whether we could have the lock."""
    if (descriptor := grab(path, shared=shared)) is None:
        return False
    release(descriptor)
    return True


@contextlib.contextmanager
def closing(descriptor: int) -> Iterator[int]:
    """Close a descriptor at the end of a block."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)
