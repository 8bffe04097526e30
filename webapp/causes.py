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
    here: str  # why it cannot happen in this project, or what guards against it

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
        here=(
            "Impossible: there is no session. A function of the data layer gets a connection, "
            "asks one question and keeps nothing; tests/test_architecture.py::test_no_orm "
            "refuses any import of the ORM."
        ),
    ),
    Cause(
        key="captured-query",
        title="a query object, built at import, carries the session of that moment",
        claims=(46, 49),
        cure="Keep a select() at module level if you like, which has no session; execute it with"
        " db.session.execute() in the request.",
        here=(
            "Impossible: a statement is a value without a connection; it is executed with the "
            "one that is handed in."
        ),
    ),
    Cause(
        key="held-objects",
        title="ORM objects or rows outlive the request in a global, a class or a default argument",
        claims=(15, 18, 24, 25, 26, 47),
        cure="Let no ORM object outlive its request: keep ids, read the rows again.",
        here=(
            "Possible in any program that keeps an answer, so guarded: records are frozen, "
            "views keep none, and the checker of tests/freshness catches a planted one (mutant "
            "identity_map)."
        ),
    ),
    Cause(
        key="cache",
        title="a cache stands before the query or the page",
        claims=(27, 34, 62),
        cure="Take the cache away from pages of data, or key it by something that every writer"
        " changes in the same transaction.",
        here=(
            "Not there at any size, and guarded: mutants page_memo, stale_worker and count_kept "
            "are caught in each test run."
        ),
    ),
    Cause(
        key="pinned-snapshot",
        title="a transaction stays open under REPEATABLE READ and sees its first moment for ever",
        claims=(41, 65),
        cure="End the transaction with the request: session.remove() in teardown, or a `with"
        " Session() as session` block; on MySQL and MariaDB also isolation_level='READ COMMITTED'.",
        here=(
            "Impossible in a page: one statement in autocommit is one fresh snapshot. Blocks of "
            "several statements end with their `with`; mutant pinned_snapshot is caught."
        ),
    ),
    Cause(
        key="uncommitted-write",
        title="the writer has not committed",
        claims=(10, 20, 21, 22, 23, 67, 68),
        cure="Commit on every path that writes, before the answer or the job's message goes out:"
        " `with session.begin():`.",
        here=(
            "Writes are `with ledger.write()` blocks that commit at their end or not at all. "
            "That a foreign writer forgets its commit cannot be prevented; the page then shows "
            "what is committed."
        ),
    ),
    Cause(
        key="wrong-scope",
        title="the scope of the session is not the request",
        claims=(29, 31, 32, 40),
        cure="Leave the scope to Flask-SQLAlchemy 3, which is the application context, or give"
        " scoped_session a scopefunc that differs for each request.",
        here="Impossible: nothing has a scope but the `with` block that one reads.",
    ),
    Cause(
        key="no-teardown",
        title="nobody removes the session at the end of the request",
        claims=(13, 35, 36, 38, 39, 40),
        cure="Session.remove() in teardown_appcontext, which runs also after an error.",
        here="Impossible to forget: connections are returned by their `with` block.",
    ),
    Cause(
        key="shared-by-threads",
        title="one session is used by several threads",
        claims=(12, 16, 17, 33, 44),
        cure="A session, and every object that it loaded, belongs to one thread: hand over ids.",
        here=(
            "A connection belongs to the `with` block of one request; nothing of it outlives "
            "the block."
        ),
    ),
    Cause(
        key="engine-before-fork",
        title="connections were opened before the workers were forked",
        claims=(30,),
        cure="Build the engine in the worker, or call engine.dispose(close=False) in post_fork.",
        here="The ledger is opened in the worker, after the fork.",
    ),
    Cause(
        key="http-cache",
        title="HTTP lets a browser or a proxy keep the page",
        claims=(53,),
        cure="Cache-Control: no-store on pages of data.",
        here=(
            "Every page says no-store, as "
            "tests/webapp/test_security.py::test_what_carries_data_is_guarded_and_never_kept "
            "holds; mutant max_age is caught."
        ),
    ),
    Cause(
        key="blind-etag",
        title="an ETag that does not change when a row does",
        claims=(54,),
        cure="Make the ETag of everything that is shown, or leave it out.",
        here=(
            "Pages have no ETag; what a page was true at is its snapshot's token. Mutant "
            "etag_by_time is caught."
        ),
    ),
    Cause(
        key="back-forward-cache",
        title="the browser shows its frozen copy of the page after Back",
        claims=(55,),
        cure="Ask anew on `pageshow` with event.persisted; no-store alone does not help.",
        here=(
            "Cannot be prevented, so guarded: a page that comes back is marked until it is "
            "confirmed; every frame is looked at "
            "(tests/webapp/test_live_losses.py::test_back_shows_what_is_or_says_that_it_may_not_be)."
        ),
    ),
    Cause(
        key="replica-lag",
        title="the page reads a replica that has not caught up",
        claims=(56,),
        cure="Read from the primary, or wait on the replica for the LSN of the last write.",
        here=(
            "A standby is refused by the page's own statement: 503 with the reason, never its rows."
        ),
    ),
    Cause(
        key="offset",
        title="OFFSET, or an order that is not unique, moves rows between pages",
        claims=(57, 58),
        cure="End ORDER BY with the primary key, and seek by the last row instead of OFFSET.",
        here=(
            "There is no OFFSET; every order ends with the id. Mutants offset_paging and "
            "ties_dropped are caught."
        ),
    ),
    Cause(
        key="core-update",
        title="the row was changed behind the identity map's back",
        claims=(59, 60),
        cure="Change relationships through their attribute; after a Core or text() UPDATE, expire"
        " what is loaded, or commit and read again.",
        here="Impossible: nothing is loaded that an UPDATE could pass by.",
    ),
    Cause(
        key="json-in-place",
        title="a JSON value was edited in place, and nothing noticed",
        claims=(61,),
        cure="MutableDict or MutableList, or assign a new value.",
        here="Impossible: records are frozen, and labels are rows.",
    ),
    Cause(
        key="frozen-bound",
        title="a bound of the filter was computed once, at import",
        claims=(63,),
        cure="Compute defaults in the function: def page(until=None).",
        here="Dates relative to today are resolved when the request is parsed.",
    ),
    Cause(
        key="two-databases",
        title="the writer and the page use two databases",
        claims=(64,),
        cure="Give an absolute path or URL; compare `SELECT current_database()` or PRAGMA"
        " database_list on both sides.",
        here=(
            "One URL opens the ledger for all; an embedded one lives where FRESHLEDGER_HOME "
            "says, and the terminal says which."
        ),
    ),
    Cause(
        key="commit-order",
        title="rows are awaited by a growing id, and a lower id commits later",
        claims=(66,),
        cure="Follow snapshots, not sequences: ask for what pg_visible_in_snapshot says is new.",
        here="Followers compare snapshots; mutants by_sequence and by_horizon are caught.",
    ),
    Cause(
        key="stored-copy",
        title="the page reads a copy: a materialized view, a counter, a denormalised column",
        claims=(69,),
        cure="Derive it when it is read, or let triggers keep it in the writer's transaction.",
        here=(
            "Copies are kept by the database itself, in the writer's transaction (a foreign key "
            "with ON UPDATE CASCADE); everything else is derived when it is read."
        ),
    ),
    Cause(
        key="response-race",
        title="two fetches overtake each other, and the older answer is drawn last",
        claims=(70,),
        cure="Abort the earlier fetch, or drop every answer that is not the newest one's.",
        here=(
            "An older answer than the one on the screen is dropped, by its snapshot "
            "(tests/webapp/test_live_typing.py::test_an_answer_older_than_ones_own_edit_is_not_shown)."
        ),
    ),
    Cause(
        key="null-comparison",
        title="a comparison with <> hides the rows that have no value",
        claims=(71,),
        cure="IS DISTINCT FROM, or NOT EXISTS for labels.",
        here=(
            "A negated filter keeps the rows without a value; a property test compares every "
            "filter with plain Python."
        ),
    ),
    Cause(
        key="torn-page",
        title="count and rows come from two statements, so from two moments",
        claims=(73,),
        cure="One statement, or REPEATABLE READ begun by the request and ended with it.",
        here=(
            "Rows, count, neighbours and token come from one statement. Mutants count_apart and "
            "branch_dropped are caught."
        ),
    ),
    Cause(
        key="lost-edit",
        title="a form opened earlier was saved over a newer value",
        claims=(74,),
        cure="A version column that the form carries (version_id_col), checked by the UPDATE.",
        here=(
            "A form carries the version that it was made on; edits of other fields merge, and "
            "of the same field show both values. Mutant lost_update is caught."
        ),
    ),
    Cause(
        key="raw-connection",
        title="a raw connection went back to the pool with its transaction open",
        claims=(75,),
        cure="Leave pool_reset_on_return at its default, and close raw connections.",
        here="The pool resets what comes back, and read connections are in autocommit.",
    ),
)
BY_KEY = {cause.key: cause for cause in CAUSES}
BY_CLAIM = {nr: cause for cause in reversed(CAUSES) for nr in cause.claims}
