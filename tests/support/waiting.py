"""Waiting until something is so that nobody tells."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60.0  # seconds: far more than anything takes


def eventually(
    so: Callable[[], object], seconds: float = PATIENCE, said: str = "it never came about"
) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: it is not, after so many seconds.
    """
    until = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < until, said
        time.sleep(0.01)
