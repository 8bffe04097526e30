"""Why a page shows old data: one row per cause.

The probe names them from outside, the audit in the source, and `docs/diagnosis.md` prints them with
their cures; the claims are numbered as in that document, where each names the test that ran it.
"""

from __future__ import annotations

from dataclasses import dataclass

DOCUMENT = "docs/diagnosis.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason why a page can be old."""

    key: str  # also the anchor of its section in the document
    title: str  # what is wrong, in words
    claims: tuple[int, ...]  # the numbers of the claims that are about it
    cure: str  # what to do about it in an ORM application

    @property
    def section(self) -> str:
        """Return where the document tells more."""
        return f"{DOCUMENT}#{self.key}"


CAUSES = (
    Cause(
        key="captured-session",
        title="one session, captured once, is used by every request",
        claims=(7, 8, 9, 18, 46, 48, 49, 50),
        cure="Ask for the session where it is used: db.session in the view, never a name bound to"
        " db.session(), sessionmaker()() or Session() at import.",
    ),
    Cause(
        key="captured-query",
        title="a query object, built at import, carries the session of that moment",
        claims=(46, 49),
        cure="Keep a select() at module level if you like, which has no session; execute it with"
        " db.session.execute() in the request.",
    ),
    Cause(
        key="held-objects",
        title="ORM objects or rows outlive the request in a global, a class or a default argument",
        claims=(15, 18, 24, 25, 26, 47),
        cure="Let no ORM object outlive its request: keep ids, read the rows again.",
    ),
    Cause(
        key="cache",
        title="a cache stands before the query or the page",
        claims=(27, 34, 62),
        cure="Take the cache away from pages of data, or key it by something that every writer"
        " changes in the same transaction.",
    ),
    Cause(
        key="pinned-snapshot",
        title="a transaction stays open under REPEATABLE READ and sees its first moment for ever",
        claims=(41, 65),
        cure="End the transaction with the request: session.remove() in teardown, or a `with"
        " Session() as session` block; on MySQL and MariaDB also isolation_level='READ COMMITTED'.",
    ),
    Cause(
        key="uncommitted-write",
        title="the writer has not committed",
        claims=(10, 20, 21, 22, 23, 67, 68),
        cure="Commit on every path that writes, before the answer or the job's message goes out:"
        " `with session.begin():`.",
    ),
    Cause(
        key="wrong-scope",
        title="the scope of the session is not the request",
        claims=(29, 31, 32, 40),
        cure="Leave the scope to Flask-SQLAlchemy 3, which is the application context, or give"
        " scoped_session a scopefunc that differs for each request.",
    ),
    Cause(
        key="no-teardown",
        title="nobody removes the session at the end of the request",
        claims=(13, 35, 36, 38, 39, 40),
        cure="Session.remove() in teardown_appcontext, which runs also after an error.",
    ),
    Cause(
        key="shared-by-threads",
        title="one session is used by several threads",
        claims=(12, 16, 17, 33, 44),
        cure="A session, and every object that it loaded, belongs to one thread: hand over ids.",
    ),
    Cause(
        key="engine-before-fork",
        title="connections were opened before the workers were forked",
        claims=(30,),
        cure="Build the engine in the worker, or call engine.dispose(close=False) in post_fork.",
    ),
    Cause(
        key="http-cache",
        title="HTTP lets a browser or a proxy keep the page",
        claims=(53,),
        cure="Cache-Control: no-store on pages of data.",
    ),
    Cause(
        key="blind-etag",
        title="an ETag that does not change when a row does",
        claims=(54,),
        cure="Make the ETag of everything that is shown, or leave it out.",
    ),
    Cause(
        key="back-forward-cache",
        title="the browser shows its frozen copy of the page after Back",
        claims=(55,),
        cure="Ask anew on `pageshow` with event.persisted; no-store alone does not help.",
    ),
    Cause(
        key="replica-lag",
        title="the page reads a replica that has not caught up",
        claims=(56,),
        cure="Read from the primary, or wait on the replica for the LSN of the last write.",
    ),
    Cause(
        key="offset",
        title="OFFSET, or an order that is not unique, moves rows between pages",
        claims=(57, 58),
        cure="End ORDER BY with the primary key, and seek by the last row instead of OFFSET.",
    ),
    Cause(
        key="core-update",
        title="the row was changed behind the identity map's back",
        claims=(59, 60),
        cure="Change relationships through their attribute; after a Core or text() UPDATE, expire"
        " what is loaded, or commit and read again.",
    ),
    Cause(
        key="json-in-place",
        title="a JSON value was edited in place, and nothing noticed",
        claims=(61,),
        cure="MutableDict or MutableList, or assign a new value.",
    ),
    Cause(
        key="frozen-bound",
        title="a bound of the filter was computed once, at import",
        claims=(63,),
        cure="Compute defaults in the function: def page(until=None).",
    ),
    Cause(
        key="two-databases",
        title="the writer and the page use two databases",
        claims=(64,),
        cure="Give an absolute path or URL; compare `SELECT current_database()` or PRAGMA"
        " database_list on both sides.",
    ),
    Cause(
        key="commit-order",
        title="rows are awaited by a growing id, and a lower id commits later",
        claims=(66,),
        cure="Follow snapshots, not sequences: ask for what pg_visible_in_snapshot says is new.",
    ),
    Cause(
        key="stored-copy",
        title="the page reads a copy: a materialized view, a counter, a denormalised column",
        claims=(69,),
        cure="Derive it when it is read, or let triggers keep it in the writer's transaction.",
    ),
    Cause(
        key="response-race",
        title="two fetches overtake each other, and the older answer is drawn last",
        claims=(70,),
        cure="Abort the earlier fetch, or drop every answer that is not the newest one's.",
    ),
    Cause(
        key="null-comparison",
        title="a comparison with <> hides the rows that have no value",
        claims=(71,),
        cure="IS DISTINCT FROM, or NOT EXISTS for labels.",
    ),
    Cause(
        key="torn-page",
        title="count and rows come from two statements, so from two moments",
        claims=(73,),
        cure="One statement, or REPEATABLE READ begun by the request and ended with it.",
    ),
    Cause(
        key="lost-edit",
        title="a form opened earlier was saved over a newer value",
        claims=(74,),
        cure="A version column that the form carries (version_id_col), checked by the UPDATE.",
    ),
    Cause(
        key="raw-connection",
        title="a pooled connection came back with its transaction open",
        claims=(75,),
        cure="Leave pool_reset_on_return at its default, and close raw connections.",
    ),
)
BY_KEY = {cause.key: cause for cause in CAUSES}
BY_CLAIM = {nr: cause for cause in reversed(CAUSES) for nr in cause.claims}
