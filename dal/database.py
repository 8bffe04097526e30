"""A ledger, and the blocks in which it is read and written.

    page      as read, for no longer than a page may take
    read      each statement is its own snapshot, committed by nobody because it cannot write
    snapshot  several statements, one snapshot: REPEATABLE READ, READ ONLY
    write     one transaction: COMMIT at the end of the block, ROLLBACK at any exception
    trial     a write whose end is always ROLLBACK: what would happen, without its happening
    exact     one of few that read all that matches: it may take long, and can be taken back

A block is a connection; functions of the data layer take it first and never commit. Blocks do not
nest: an inner block is another connection, which does not see the outer one's writes.
Nothing is kept between blocks: no session, no identity map, no cache of rows.

Isolation: https://www.postgresql.org/docs/18/transaction-iso.html
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import (
    DBAPIError,
    InvalidRequestError,
    OperationalError,
    ProgrammingError,
    TimeoutError as PoolTimeout,
)

from dal import connections, migrate, slow
from dal.embedded import Embedded
from dal.errors import BadValue, Doubtful, TooSlow, Unavailable
from dal.exact import Exact
from dal.patience import Patience
from dal.settings import DalSettings
from dal.stopping import wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from sqlalchemy import URL, Engine

__all__ = ["Connection", "Ledger", "driver_url", "open_ledger"]

QUERY_CANCELED = "57014"
UNDEFINED = ("42P01", "42703", "42704")  # table, column, type
LOCK_NOT_AVAILABLE = "55P03"
NOT_IN_PREREQUISITE_STATE = "55000"  # a standby was asked what only a primary knows
NAMED = text("SELECT set_config('freshledger.who', :who, true)")


class Ledger:
    """The connections to one ledger, made as they are needed, each process its own.

    Args:
        url: of PostgreSQL, as libpq or SQLAlchemy write it.
        settings: time limit and pool size; the environment's where not given.

    A ledger must not cross a fork: the child builds its own.
    """

    def __init__(self, url: str, settings: DalSettings | None = None) -> None:
        self.url = driver_url(url)
        self._settings = settings or DalSettings.read()
        # A stray write in a reading block is an error instead of a commit.
        # In autocommit there is nothing to roll back when a block gives its connection back.
        self._reading = self._for_reading(self._settings.statement_timeout_ms)
        limits = self._settings.page_timeout_ms, self._settings.statement_timeout_ms
        self._paging = self._for_reading(min(filter(None, limits), default=0))
        self._writing = connections.engine(self.url, self._settings, read_only=False)
        # What is read has a limit that the server may fail to keep; an import may take its time.
        limit = self._settings.statement_timeout_ms / 1000
        engines = {self._reading: limit > 0, self._paging: limit > 0, self._writing: False}
        self._patience = [
            Patience(each, limit + connections.PATIENCE, statements=limited)
            for each, limited in engines.items()
        ]
        self._exact = Exact(self.url, self._settings)

    def _for_reading(self, milliseconds: int) -> Engine:
        return connections.engine(
            self.url,
            replace(self._settings, statement_timeout_ms=milliseconds),
            read_only=True,
            pages=True,
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
        )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection whose every statement is one snapshot, taken when it runs.

        Raises:
            Unavailable: PostgreSQL does not answer, or no connection came free within 5 s.
            TooSlow: a statement ran into the time limit.
        """
        with _said_plainly(), self._reading.connect() as conn:
            yield conn

    @contextmanager
    def page(self) -> Iterator[Connection]:
        """Yield a connection as `read` does, for statements that must not take longer than a page.

        Raises: as `read`; TooSlow after PAGE_TIMEOUT_MS.
        """
        with _said_plainly("PAGE_TIMEOUT_MS"), self._paging.connect() as conn:
            yield conn

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Yield a connection whose statements all see one snapshot, that of the first of them.

        Raises: as `read`.
        """
        repeatable = self._reading.execution_options(isolation_level="REPEATABLE READ")
        with _said_plainly(), repeatable.begin() as conn:
            yield conn

    @contextmanager
    def write(self, who: str = "") -> Iterator[Connection]:
        """Yield a connection in a transaction that commits when the block ends.

        Args:
            who: whom the change log names; the database role where nobody is given.

        Raises:
            Unavailable: as `read`; whatever leaves the block undoes all of it.
            Doubtful: the connection broke while PostgreSQL was committing.
        """
        with _said_plainly(), self._writing.connect() as conn:
            transaction = conn.begin()
            try:
                if who:
                    conn.execute(NAMED, {"who": who})
                yield conn
            except BaseException:
                transaction.rollback()
                raise
            with _doubtful():
                transaction.commit()

    @contextmanager
    def trial(self) -> Iterator[Connection]:
        """Yield a connection as `write` does, and undo all that was done when the block ends.

        Raises: as `read`.
        """
        with _said_plainly(), self._writing.connect() as conn, conn.begin() as transaction:
            yield conn
            transaction.rollback()

    @contextmanager
    def exact(self, unwanted: Callable[[], bool] = wanted) -> Iterator[Connection]:
        """Yield a connection as `read` does, for figures that read all that matches.

        There are few at a time, on connections of their own, with a time limit of their own; what
        is asked there ends on the server within a moment after nobody waits for it.

        Args:
            unwanted: says so; it is asked twenty times a second, in another thread.

        Raises:
            Busy: as many as may be are at work.
            Stopped: `unwanted` said so.
            Unavailable, TooSlow: as `read`.
        """
        with _said_plainly("EXACT_TIMEOUT_MS"), self._exact.connect(unwanted) as conn:
            yield conn

    def migrate(self, target: str = "head") -> None:
        """Bring the schema to `target`; of several callers at once one works and the others wait.

        Raises:
            Unavailable: PostgreSQL does not answer, or a lock could not be had in time.
            CannotServe: it may lose what it acknowledged.
        """
        with _said_plainly():
            self._writing.connect().close()  # refused before anything is done
            migrate.upgrade(self._writing, target)

    def close(self) -> None:
        """Give all connections back to PostgreSQL."""
        for each in self._patience:
            each.close()
        self._exact.close()
        for engine in (self._reading, self._paging, self._writing):
            connections.close(engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()


@contextmanager
def open_ledger(settings: DalSettings | None = None) -> Iterator[Ledger]:
    """Yield the ledger of DATABASE_URL, else of the embedded server, its schema up to date.

    Raises:
        Unavailable: there is no server, and none can be started.
    """
    settings = settings or DalSettings.read()
    with database(settings) as url, Ledger(url, settings) as ledger:
        ledger.migrate()
        yield ledger


@contextmanager
def database(settings: DalSettings) -> Iterator[str]:
    """Yield the URL of a running server: the one given, else the embedded one, kept until the end.

    Raises:
        CannotServe: no URL is given and no embedded server can be started.
    """
    if settings.database_url:
        yield settings.database_url
        return
    server = Embedded(settings.home)
    try:
        yield server.start()
    finally:
        server.stop()


def driver_url(url: str) -> URL:
    """Return `url` with the driver that the ledger uses, whatever it named.

    Raises:
        BadValue: it is not a PostgreSQL URL.

    >>> driver_url("postgres://me@db/books").drivername
    'postgresql+psycopg'
    """
    try:
        parsed = make_url(url)
    except Exception:  # noqa: BLE001 (SQLAlchemy raises what its parser happens to meet)
        raise BadValue("DATABASE_URL", "this is no URL; write postgresql://…") from None
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise BadValue("DATABASE_URL", f"{parsed.drivername} is not PostgreSQL")
    return parsed.set(drivername="postgresql+psycopg")


@contextmanager
def _doubtful() -> Iterator[None]:
    """Say that a COMMIT whose answer did not arrive may have happened."""
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(error, OperationalError):
            raise Doubtful("look whether it was; the same form can be sent again") from error
        raise


@contextmanager
def _said_plainly(limit: str = "STATEMENT_TIMEOUT_MS") -> Iterator[None]:
    """Turn what the driver raises about the server into the data layer's own errors.

    Args:
        limit: the setting that says how long a statement may take.
    """
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable("all connections are busy; try again in a moment") from error
    except InvalidRequestError as error:
        if "connection is closed" not in str(error):
            raise
        raise Unavailable("PostgreSQL closes connections as soon as they are opened") from error
    except DBAPIError as error:
        if plain := _plain(error, limit):
            raise plain from error
        raise


def _plain(error: DBAPIError, limit: str) -> Unavailable | None:
    state = getattr(error.orig, "sqlstate", None)
    if state == QUERY_CANCELED:
        slow.given_up(error.statement)
        return TooSlow(f"narrow the filter, or raise {limit}")
    if state == NOT_IN_PREREQUISITE_STATE and "recovery" in str(error.orig):
        return Unavailable("this server is a standby; only a primary can say what is true now")
    if state == LOCK_NOT_AVAILABLE:
        return Unavailable("somebody else holds a lock for too long; try again when they are done")
    if isinstance(error, ProgrammingError) and state in UNDEFINED:
        return Unavailable(f"the schema is not up to date; run: freshledger migrate ({error.orig})")
    if isinstance(error, OperationalError) or error.connection_invalidated:
        return Unavailable(str(error.orig).strip().splitlines()[0])
    return None
