"""Pages that skip rows, show them twice, or leave some kind of row out."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dal import keyset, transactions
from dal.keyset import Cursor
from dal.transactions import Page
from tests.freshness.mutants.seams import OLD, Mutant, patch

if TYPE_CHECKING:
    from collections.abc import Callable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PATHS = OLD | {"torn"}


def at_or_behind() -> None:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def beside(order: Any, columns: Any, *, backward: bool, **_: bool) -> Any:
            return original(order, columns, backward=backward, at_it=True)

        return beside

    patch(keyset, "beside", make)


def ties_dropped() -> None:
    def make(original: Callable[[Cursor], dict[str, Any]]) -> Callable[[Cursor], dict[str, Any]]:
        def parameters(self: Cursor) -> dict[str, Any]:
            found = original(self)
            if found:
                low = self.order.descending != self.backward
                found["seek_id"] = keyset.FIRST_ID if low else keyset.LAST_ID
            return found

        return parameters

    patch(Cursor, "parameters", make)


class Numbered(Page):
    """A page that knows how many rows lie before it, and not which."""

    @property
    def next(self) -> Cursor | None:
        return self._at(self._offset + self.size) if self.has_next else None

    @property
    def previous(self) -> Cursor | None:
        return self._at(max(self._offset - self.size, 0)) if self.has_previous else None

    @property
    def _offset(self) -> int:
        return offset_of(self.cursor, self)

    def _at(self, offset: int) -> Cursor:
        return Cursor(self.order, "after", (EPOCH + timedelta(seconds=offset), 0))


def offset_of(cursor: Cursor | None, page: Page) -> int:
    if cursor is None:
        return 0
    if cursor.key is None:
        return max(page.counted - page.size, 0) if cursor.backward else 0
    assert isinstance(cursor.key[0], datetime)
    return int((cursor.key[0] - EPOCH).total_seconds())


def offset_paging() -> None:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def page(
            conn: Any, where: Any, order: Any, cursor: Any = None, size: int = 50, **options: Any
        ) -> Page:
            found = original(conn, where, order, None, keyset.LARGEST, **options)
            values = {each.name: getattr(found, each.name) for each in fields(Page) if each.init}
            values |= {"cursor": cursor, "size": size}
            start = offset_of(cursor, replace(found, size=size))
            values["rows"] = found.rows[start : start + size]
            values["has_previous"] = start > 0
            values["has_next"] = len(found.rows) > start + size
            return Numbered(**values)

        return page

    patch(transactions, "page", make)


def _rows(change: Callable[[Any], Any]) -> Callable[[], None]:
    """Return a planting that changes or drops each row of a page."""

    def plant() -> None:
        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            def page(*args: Any, **options: Any) -> Any:
                found = original(*args, **options)
                changed = (change(row) for row in found.rows)
                return replace(found, rows=tuple(row for row in changed if row is not None))

            return page

        patch(transactions, "page", make)

    return plant


def _moving(row: Any) -> Any:
    return row if row.movements else None


def _once_labelled(row: Any) -> Any:
    return replace(row, labels=row.labels[:1])


MUTANTS = (
    Mutant("at_or_behind", "the next page begins with the last row", at_or_behind, PATHS),
    Mutant("ties_dropped", "a cursor forgets the id behind the time", ties_dropped, PATHS),
    Mutant("offset_paging", "pages are counted off instead of sought", offset_paging, PATHS),
    Mutant("branch_dropped", "rows without a movement are left out", _rows(_moving), PATHS),
    Mutant("label_dropped", "of several labels one is shown", _rows(_once_labelled), PATHS),
)
