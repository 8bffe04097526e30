"""One word and one sentence: what the findings come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from webapp.probe.judging import Pattern
from webapp.probe.samples import INTERRUPTED

if TYPE_CHECKING:
    from webapp.probe.judging import Findings

REFUSED = (400, 401, 403)
RULE_OF_THREE = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said first."""

    word: Literal["fresh", "stale", "unknown"]
    sentence: str
    notes: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        """Return the exit status."""
        return {"fresh": 0, "stale": 1, "unknown": 2}[self.word]


def verdict(findings: Findings) -> Verdict:
    """Return what the findings come to."""
    if not findings.good and not findings.torn:
        return Verdict("unknown", _nothing(findings))
    if not findings.shows and not findings.keeps_showing_old:
        return Verdict("unknown", _never(findings), _endings(findings))
    if findings.patterns:
        return Verdict("stale", _stale(findings), (*_hints(findings), *_endings(findings)))
    if findings.seen.doubtful or findings.stale:
        return Verdict("unknown", f"CANNOT TELL: {_endings(findings)[0]}")
    if findings.seen.ended == INTERRUPTED:
        return Verdict("unknown", f"INTERRUPTED: {_fresh(findings).removeprefix('FRESH: ')}")
    notes = (*_hints(findings), *_endings(findings), _unseen(findings))
    return Verdict("fresh", _fresh(findings), notes)


def _nothing(findings: Findings) -> str:
    why = findings.seen.doubtful or findings.seen.ended or "no page was answered after a change"
    return f"CANNOT TELL: {why}"


def _never(findings: Findings) -> str:
    """Say of a page that shows no marker what may be wrong with what was asked."""
    seen = findings.seen
    tries = (
        " Is it the right page, with the row on it (filter, page number)? Does it need a login"
        " (--cookie)? Does it read this database?"
    )
    if findings.showed_old:
        return (
            "CANNOT TELL: after the change the page shows neither the old nor the new value: the"
            " change may move the row off the page (is it sorted or filtered by this column?), or"
            " the value is shown in another form."
        )
    if not seen.telling:
        return (
            f"CANNOT TELL: the page showed none of the values that were written, and the value that"
            f" was there, {seen.old!r}, is too short to be recognised.{tries}"
        )
    return (
        f"CANNOT TELL: this page never shows the column, neither {seen.old!r} nor what was"
        f" written.{tries}"
    )


def _fresh(findings: Findings) -> str:
    answers, rounds = len(findings.good), len(findings.seen.marks)
    visitors = findings.lines.kept + findings.lines.fresh
    return (
        f"FRESH: none of {answers:,} answers to {visitors} visitors showed an old value, after"
        f" {rounds:,} change{'s' * (rounds != 1)}."
    )


def _unseen(findings: Findings) -> str:
    """Say what this does not show; 3/n of all answers may be ill without one among n (95 %)."""
    rare = max(len(findings.good) // RULE_OF_THREE, 1)
    return (
        f"What befalls fewer than 1 of {rare:,} answers may have gone unseen; so has what other"
        " pages, filters and users are shown, and the browser's back/forward cache."
    )


def _stale(findings: Findings) -> str:
    if findings.stale:
        answers, old = len(findings.good), len(findings.stale)
        many = "every answer" if old == answers else f"{_percent(old, answers)} of answers"
        start = f"STALE: {many} showed an old value, for up to {findings.spread.most:,.0f} ms"
        return f"{start}; {_tail(findings)}."
    if findings.torn:
        some = f"{len(findings.torn):,} of {len(findings.seen.samples):,} answers"
        return f"TORN: {some} showed two values at once, which never stood there together."
    if findings.blind:
        return (
            "STALE IN A BROWSER: asked with the ETag or date of the page before a change, the"
            " application says 304: your copy is still right."
        )
    kept = findings.browser
    where, seconds = ("BROWSER", kept.seconds) if kept.seconds else ("PROXY", kept.shared)
    return (
        f"STALE IN A {where}: for up to {_lasting(seconds)} it may show its copy without asking"
        f" ({kept.why}); asked anew, every answer was right."
    )


def _lasting(seconds: int) -> str:
    """Return a time in words.

    >>> _lasting(60), _lasting(86_400 * 30)
    ('60 s', '30 days')
    """
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:,} {unit}"
    return f"{seconds} s"


def _percent(part: int, whole: int) -> str:
    """Return a share that says neither none nor all where it is not so.

    >>> _percent(1, 900), _percent(899, 900), _percent(1, 2)
    ('less than 1 %', 'more than 99 %', '50 %')
    """
    percent = 100 * part / whole
    if percent < 1:
        return "less than 1 %"
    return "more than 99 %" if percent > 99 else f"{percent:.0f} %"  # noqa: PLR2004 (as it reads)


def _tail(findings: Findings) -> str:
    """Say how the staleness ended, if it did."""
    patterns, seen = findings.patterns, findings.seen
    if Pattern.UNTIL_POST in patterns and findings.helped == 1:
        return f"right only after POST {seen.other}"
    if Pattern.UNTIL_POST in patterns:
        return f"POST {seen.other} made {findings.helped:.0%} of them right, and time none"
    if Pattern.PROXY in patterns:
        return f"a cache before the application answered ({findings.proxy})"
    start = "it depends on who answers, " * (Pattern.PER_WORKER in patterns)
    if findings.by_itself:
        longer = f", but not always within {seen.patience:g} s" * bool(seen.unsettled)
        return f"{start}then right everywhere{longer}"
    if not findings.shows:
        return f"in {seen.patience:g} s none showed what was written"
    return f"{start}not right everywhere within {seen.patience:g} s"


def _hints(findings: Findings) -> tuple[str, ...]:
    """Return what would tell more."""
    seen = findings.seen
    found = []
    if Pattern.TO_THE_END in findings.patterns and not seen.other:
        found.append(
            "Add --other-url with an address that takes a POST, to see whether a write by the"
            " application makes it right."
        )
    if not findings.shows:
        found.append(
            f"If {seen.old!r} stands elsewhere on the page too, choose a row whose value does not."
        )
    if findings.beside and seen.telling:
        found.append(
            f"{seen.old!r} went on standing beside the new values: in another row, or in a part of"
            " the page that is kept for longer than was waited."
        )
    refused = [each for each in seen.posts if not each.taken]
    if refused:
        found.append(_refused(refused[0].status, refused[0].trouble, seen.other))
    return tuple(found)


def _refused(status: int, trouble: str, path: str) -> str:
    said = trouble or f"it answered {status}"
    cure = " (a login or a CSRF token is missing: --cookie, --other-data)" * (status in REFUSED)
    return (
        f"POST {path} was not taken, {said}{cure}, so that it could not be seen whether it helps."
    )


def _endings(findings: Findings) -> tuple[str, ...]:
    """Return why it ended early, if it did, and what else was strange."""
    seen = findings.seen
    found = []
    if seen.doubtful:
        found.append(f"{seen.doubtful}.")
    if seen.ended:
        rounds = len(seen.marks)
        found.append(f"It ended early, {seen.ended}, with {rounds} change{'s' * (rounds != 1)}.")
    if findings.troubled:
        first = findings.troubled[0]
        words = first.trouble or f"the page answered {first.status}"
        found.append(f"{len(findings.troubled):,} requests got no page: {words}.")
    return tuple(found)
