"""What a row's history says: each save as sentences, made from the words of `wording`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.pages.conflict import person
from webapp.pages.moment import Moment
from webapp.pages.wording import SUBJECT, WHOLE, WORDS, Terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import tzinfo

    from dal.moments import Deed, History, Save

#: Saves that are shown before somebody asks for the others.
SHOWN = 8
#: In which the rows of one save are told.
ORDER = tuple(WORDS)


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence: what happened, and from what to what where it has two sides."""

    what: str
    sides: tuple[str, str] | None = None

    def __str__(self) -> str:
        return self.what if self.sides is None else f"{self.what}: {' → '.join(self.sides)}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One save."""

    at: Moment
    who: str
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class HistoryPart:
    """The history on a transaction's page."""

    newest: tuple[Entry, ...]
    older: tuple[Entry, ...]
    more: bool  # there are still older ones, to be asked for

    @classmethod
    def of(cls, found: History, zone: tzinfo) -> HistoryPart:
        """Return the history of a transaction, its times in a zone."""
        told = entries(found, zone)
        return cls(told[:SHOWN], told[SHOWN:], found.more)


@dataclass(frozen=True, slots=True)
class Told:
    """The histories of a list's rows, its times in a zone."""

    found: Mapping[int, History]
    zone: tzinfo

    def of(self, row_id: int) -> tuple[Entry, ...]:
        """Return what happened to one of the rows."""
        known = self.found.get(row_id)
        return entries(known, self.zone) if known else ()


def entries(found: History, zone: tzinfo) -> tuple[Entry, ...]:
    """Return the saves of which there is something to say."""
    terms = Terms(found.names, zone)
    told = ((save, tuple(_save(terms, save))) for save in found.saves)
    return tuple(
        Entry(Moment.of(save.at, zone), person(save.who, by_role=save.by_role), said)
        for save, said in told
        if said
    )


def _save(terms: Terms, save: Save) -> Iterator[Said]:
    """Tell of a save; movements that came with a new transaction are no news of their own."""
    created = any(deed.relation == "transactions" and not deed.before for deed in save.deeds)
    for deed in sorted(save.deeds, key=lambda deed: ORDER.index(deed.relation)):
        if not (created and deed.relation == "movements"):
            yield from sentences(terms, deed)


def sentences(terms: Terms, deed: Deed) -> Iterator[Said]:
    """Tell what was done to one row."""
    if deed.before is None or deed.after is None:
        image = deed.after or deed.before or {}
        yield Said(WHOLE[deed.relation](terms, image, "added" if deed.after else "removed"))
        return
    subject = SUBJECT[deed.relation](terms, deed.before) if deed.relation in SUBJECT else ""
    for column, known in WORDS[deed.relation].items():
        old, new = deed.before.get(column), deed.after.get(column)
        if known is not None and old != new:
            title, show = known
            sides = show(terms, old, deed.before), show(terms, new, deed.after)
            yield Said(subject + title, sides)
