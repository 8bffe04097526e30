"""Threads that do one thing after the other, each when it is told, so that turns can be forced."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

PATIENCE = 30  # seconds for one step
Given = ParamSpec("Given")
Result = TypeVar("Result")


class Actor:
    """One thread; what it leaves open, a context or a transaction, is there in its next step."""

    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(1)

    def __call__(
        self, step: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        """Let the thread do a step, and wait for it."""
        return self.begin(step, *args, **kwargs).result(PATIENCE)

    def begin(
        self, step: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
    ) -> Future[Result]:
        """Let the thread begin a step."""
        return self.thread.submit(step, *args, **kwargs)


@contextmanager
def two_threads() -> Iterator[tuple[Actor, Actor]]:
    """Yield two threads."""
    first, second = Actor(), Actor()
    try:
        yield first, second
    finally:
        first.thread.shutdown()
        second.thread.shutdown()
