# ruff: noqa: E501 (sentences are quoted as they were said)
"""What people say about stale pages: 52 claims of one request and two answers, and 23 forgotten causes.

`who` is the request, answer A or answer B with its paragraph; nobody names the forgotten causes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence that could be doubted."""

    nr: int
    who: str
    text: str


CLAIMS = (
    Claim(
        1, "request Primary Issue", "Page misses recent changes unless another DB function is used"
    ),
    Claim(
        2,
        'request Observations; answer B 1 "correctly ... the main possible reasons"',
        '"Other functions update it" suggests a session/instance problem; three suspected causes cover it',
    ),
    Claim(3, "request Observations", "The problem persists despite remove() + expire_all()"),
    Claim(
        4,
        "answer A 2 (1), answer B 1.1/1.2",
        '"Usually boils down to sessions/ORM objects", "most popular", "second most popular" reason',
    ),
    Claim(5, "answer A 2.1", "A new session per request is the remedy"),
    Claim(6, "answer A 2.1", "It must be explicitly committed or rolled back, then closed"),
    Claim(7, "answer A 2.1.1", 'The session "freezes at the moment it was created"'),
    Claim(8, "answer A 2.1.1", "Reusing one session between requests makes objects stale"),
    Claim(9, "answer A 2.1.1", "Others' changes are not visible to the old session"),
    Claim(10, "answer A 2.1.2 / 2.3", "Without commit changes never reach the tables"),
    Claim(11, "answer A 2.1.2", "An error without rollback leaves data inconsistent"),
    Claim(
        12,
        "answer A 2.1.3, answer B 1.4",
        "Threads sharing one session cause conflicts (gunicorn/uwsgi)",
    ),
    Claim(
        13, "answer A 2.2", "Session is created at the start of the request and closed at its end"
    ),
    Claim(14, "answer A 2.2", "So all changes are correctly written"),
    Claim(15, "answer A 2.2.1", 'The same objects are used "instead of requesting them again"'),
    Claim(
        16, "answer A 2.2.2", "An error / stuck transaction in an open session hits later requests"
    ),
    Claim(17, "answer A 2.2.2", "Parallel requests conflict through it"),
    Claim(18, "answer A 2.2.3", "Loaded objects send no query unless expire/refresh/expire_all"),
    Claim(19, "answer A 2.2.3", "... or unless the session is closed and reopened"),
    Claim(20, "answer A 2.3", "Edits stay in memory until flush() or commit()"),
    Claim(
        21, "answer A 2.3", "flush writes without ending the transaction; commit makes it permanent"
    ),
    Claim(22, "answer A 2.3", '"no `commit()` or `flush()`" - one of the two suffices'),
    Claim(
        23,
        "answer A 2.3, answer B 1.5.3",
        'Uncommitted: next request sees old / it "appears externally" updated',
    ),
    Claim(24, "answer A 2.4, answer B 1.1", "ORM objects in globals go stale"),
    Claim(25, "answer A 2.4", "... or in the Flask session"),
    Claim(26, "answer A 2.4, 2.2.3", "refresh()/expire_all() would reload stored objects"),
    Claim(27, "answer A 2.5", "Template rendered from a cached object"),
    Claim(28, "answer A 2.6", "ABSENCE of scoped_session is a cause"),
    Claim(29, "answer A 2.6, answer B 1.4", "A wrong scopefunc shares a session between threads"),
    Claim(30, "answer A 2.6, answer B 1.4", "... or between PROCESSES"),
    Claim(
        31,
        "answer A 2.6, answer B 1.4",
        "Scope is thread- or context-local, logically one per request",
    ),
    Claim(
        32, "answer A 2.6", "Context change: sees another's session or loses its own; data leaks"
    ),
    Claim(33, "answer A 2.6", "... and freezing of the application"),
    Claim(34, "answer B 1.1", "Flask-Caching can replace fresh data"),
    Claim(35, "answer B 1.2", "Flask-SQLAlchemy creates and tears down per request"),
    Claim(36, "answer B 1.2", "The extension handles create -> commit/rollback -> remove"),
    Claim(37, "answer B 1.2", "ENGINE_OPTIONS or `SQLAlchemy(app, ...)` cause it"),
    Claim(38, "answer B 1.2", "Redefined before/teardown hooks break it"),
    Claim(39, "answer B 1.3", "Commit/rollback + remove in after_request/teardown_request"),
    Claim(40, "answer B 1.4", "Thread scope can leak a session between requests"),
    Claim(41, "answer B 1.5.1", "Pinned transaction: data drift apart, longer = likelier"),
    Claim(
        42,
        "answer B 1.5.2",
        'Long transactions hold locks, block writers, deadlock; "especially" at some isolation levels',
    ),
    Claim(43, "answer B 1.5.4", "rollback() reverts everything in the session"),
    Claim(44, "answer B 1.5.5", "A thread monopolising the session makes others wait"),
    Claim(
        45,
        "answer B 2, 2.3",
        'remove()/expire_all() do not guarantee reload or re-creation; "remove() but do not recreate"',
    ),
    Claim(46, "answer B 2.1", "remove() detaches the session; old references are not updated"),
    Claim(47, "answer B 2.2", "expire_all(): next access reads again"),
    Claim(48, "answer B 2.2", "Same session between requests: expire_all does not save you"),
    Claim(49, "answer B 2.3", "A reference to the old session may remain"),
    Claim(50, "answer B 3", "Other functions refresh because they use a NEW session"),
    Claim(51, "answer B 3", "... or commit/rollback and so reset the ORM cache"),
    Claim(52, "answer B 3", "flush() resets all previously cached information"),
    Claim(53, "", "HTTP caching (max-age)"),
    Claim(54, "", "ETag blind to updates (count + max id)"),
    Claim(55, "", "Back/forward cache"),
    Claim(56, "", "Read-replica lag"),
    Claim(57, "", "OFFSET drift"),
    Claim(58, "", "No / non-unique ORDER BY"),
    Claim(59, "", "`tx.contact_id = 1` without touching the relationship"),
    Claim(60, "", "text()/Core/synchronize_session=False UPDATE in the session"),
    Claim(61, "", "JSON labels edited in place"),
    Claim(62, "", "Per-process cache, several workers"),
    Claim(63, "", "Filter bound frozen at import (`until=now()` default)"),
    Claim(64, "", "Two SQLite files (instance/app.db and ./app.db)"),
    Claim(65, "", "MySQL/MariaDB default RR"),
    Claim(66, "", "Lower id commits later than a higher one"),
    Claim(67, "", "Long uncommitted background writer"),
    Claim(68, "", "List read before the write; job not yet committed"),
    Claim(69, "", "Materialized view / copy column"),
    Claim(70, "", "Browser response race (two fetches)"),
    Claim(71, "", "`label <> 'spam'` hides NULL labels"),
    Claim(72, "", "SQLAlchemy statement cache / prepared statements"),
    Claim(73, "", "Count and rows from two statements"),
    Claim(74, "", "Save from a stale page"),
    Claim(75, "", "`pool_reset_on_return=None` + raw DBAPI use"),
)
BY_NR = {claim.nr: claim for claim in CLAIMS}
