"""What names of other packages mean, and what calling a method of a kind gives.

A name is known by its package and its last part, however it was imported: `orm.Session` and
`Session` are one.
"""

from __future__ import annotations

from enum import Enum, auto


class Kind(Enum):
    """What an expression is, as far as old data is concerned."""

    UNKNOWN = auto()
    OUTSIDE = auto()  # a name of another package
    MODULE = auto()
    FUNCTION = auto()
    CLASS = auto()
    INSTANCE = auto()  # of a class of the program
    BASE = auto()  # what models are derived from
    MODEL = auto()
    TABLE = auto()
    COLUMN = auto()
    EXTENSION = auto()  # SQLAlchemy() of Flask-SQLAlchemy
    ENGINE = auto()
    CONNECTION = auto()
    DRIVER = auto()  # a connection or cursor without SQLAlchemy
    MAKER = auto()
    REGISTRY = auto()  # scoped_session, db.session: another session for each scope
    SESSION = auto()
    QUERY = auto()
    STATEMENT = auto()  # select() and friends: has no session
    CHANGE = auto()  # insert(), update(), delete()
    RESULT = auto()
    ROWS = auto()
    OBJECT = auto()  # loaded from the database
    NEW = auto()  # made here
    SCALAR = auto()
    CACHE = auto()
    APP = auto()
    CONTEXT = auto()
    BROWSER = auto()  # flask.session
    LOCAL = auto()  # threading.local()


SQL = ("sqlalchemy", "sqlmodel")
_CALLED: dict[tuple[str, ...], dict[str, Kind]] = {
    ("flask_sqlalchemy",): {"SQLAlchemy": Kind.EXTENSION},
    SQL: {
        **dict.fromkeys(("create_engine", "create_async_engine", "engine_from_config"),
                        Kind.ENGINE),
        **dict.fromkeys(("sessionmaker", "async_sessionmaker"), Kind.MAKER),
        **dict.fromkeys(("scoped_session", "async_scoped_session"), Kind.REGISTRY),
        **dict.fromkeys(("Session", "AsyncSession", "create_session"), Kind.SESSION),
        **dict.fromkeys(("declarative_base", "automap_base"), Kind.BASE),
        **dict.fromkeys(("select", "text", "union", "union_all", "lambda_stmt"), Kind.STATEMENT),
        **dict.fromkeys(("insert", "update", "delete"), Kind.CHANGE),
        **dict.fromkeys(("Column", "mapped_column"), Kind.COLUMN),
        "Query": Kind.QUERY,
        "Table": Kind.TABLE,
    },
    ("flask", "quart"): {"Flask": Kind.APP, "Quart": Kind.APP, "Blueprint": Kind.APP},
    ("fastapi", "starlette"): {"FastAPI": Kind.APP, "APIRouter": Kind.APP,
                               "Starlette": Kind.APP},
    ("threading",): {"local": Kind.LOCAL},
    ("sqlite3", "psycopg", "psycopg2", "pymysql", "MySQLdb"): {"connect": Kind.DRIVER},
    ("flask_caching", "flask_cache"): {"Cache": Kind.CACHE},
    ("redis",): {"Redis": Kind.CACHE, "StrictRedis": Kind.CACHE, "from_url": Kind.CACHE},
    ("cachelib", "werkzeug"): dict.fromkeys(
        ("SimpleCache", "FileSystemCache", "RedisCache", "MemcachedCache"), Kind.CACHE),
    ("cachetools",): dict.fromkeys(("TTLCache", "LRUCache", "LFUCache", "Cache"), Kind.CACHE),
    ("diskcache",): {"Cache": Kind.CACHE, "FanoutCache": Kind.CACHE},
    ("dogpile",): {"make_region": Kind.CACHE},
    ("pymemcache", "pylibmc", "memcache"): {"Client": Kind.CACHE},
}  # fmt: skip
CALLED = {
    (package, name): kind
    for packages, names in _CALLED.items()
    for package in packages
    for name, kind in names.items()
}
#: Names that are used without being called.
STANDING = {
    ("flask", "session"): Kind.BROWSER,
    ("quart", "session"): Kind.BROWSER,
    ("flask", "current_app"): Kind.APP,
}
#: Classes that stand in annotations.
ANNOTATED = {
    **{(package, name): kind for package in SQL for name, kind in (
        ("Session", Kind.SESSION), ("AsyncSession", Kind.SESSION),
        ("scoped_session", Kind.REGISTRY), ("Engine", Kind.ENGINE),
        ("AsyncEngine", Kind.ENGINE), ("Connection", Kind.CONNECTION),
        ("AsyncConnection", Kind.CONNECTION), ("sessionmaker", Kind.MAKER), ("Query", Kind.QUERY),
    )},
    ("flask", "Flask"): Kind.APP,
    ("flask_sqlalchemy", "SQLAlchemy"): Kind.EXTENSION,
}  # fmt: skip
BASES = {"DeclarativeBase", "DeclarativeBaseNoMeta", "SQLModel"}

ONE = frozenset(
    ("first", "one", "one_or_none", "fetchone", "get", "first_or_404", "get_or_404",
     "one_or_404", "scalar_one", "scalar_one_or_none")
)  # fmt: skip
MANY = frozenset(("all", "fetchall", "fetchmany", "partitions", "paginate"))
PLAIN = frozenset(("count", "exists"))
WRITTEN = frozenset(("update", "delete"))
#: Methods that send a SELECT, or may.
READING = frozenset(
    {"execute", "scalars", "scalar", "get_one", "refresh", "stream", "stream_scalars",
     "exec", "exec_driver_sql", "select", *ONE, *MANY, *PLAIN}
)  # fmt: skip
READERS = frozenset(
    (Kind.REGISTRY, Kind.SESSION, Kind.QUERY, Kind.CONNECTION, Kind.ENGINE, Kind.DRIVER,
     Kind.EXTENSION)
)  # fmt: skip
SESSIONS = frozenset((Kind.SESSION, Kind.REGISTRY))
#: Kinds that came out of the database, or that do as soon as they are looped over.
DATA = frozenset((Kind.ROWS, Kind.OBJECT, Kind.RESULT))


def after(kind: Kind, method: str) -> Kind:
    """Return what a method of a kind gives."""
    table = METHODS.get(kind, {})
    if method in table:
        return table[method]
    if kind in (Kind.QUERY, Kind.RESULT):
        return _of_rows(kind, method)
    return kind if kind in (Kind.STATEMENT, Kind.CHANGE) else Kind.UNKNOWN


def _of_rows(kind: Kind, method: str) -> Kind:
    if method in MANY:
        return Kind.ROWS
    if method in ONE or method == "scalar":
        return Kind.OBJECT
    if method in PLAIN or method in WRITTEN:
        return Kind.SCALAR
    if method in {"statement", "subquery", "cte"}:
        return Kind.STATEMENT
    return kind


_SESSION = {
    "query": Kind.QUERY,
    **dict.fromkeys(("execute", "scalars", "exec", "stream", "stream_scalars"), Kind.RESULT),
    "scalar": Kind.OBJECT,
    **dict.fromkeys(("get", "get_one", "merge"), Kind.OBJECT),
    "connection": Kind.CONNECTION,
}
_CONNECTION = {
    **dict.fromkeys(("execute", "scalars", "exec_driver_sql", "stream"), Kind.RESULT),
    "scalar": Kind.SCALAR,
    "execution_options": Kind.CONNECTION,
}
METHODS: dict[Kind, dict[str, Kind]] = {
    Kind.SESSION: {**_SESSION, "begin": Kind.SESSION},
    Kind.REGISTRY: {**_SESSION, "begin": Kind.SESSION},
    Kind.MAKER: {"begin": Kind.SESSION},
    Kind.CONNECTION: _CONNECTION,
    Kind.ENGINE: {
        **_CONNECTION,
        "connect": Kind.CONNECTION,
        "begin": Kind.CONNECTION,
        "execution_options": Kind.ENGINE,
        "raw_connection": Kind.DRIVER,
    },
    Kind.DRIVER: {
        **dict.fromkeys(("cursor", "execute"), Kind.DRIVER),
        **dict.fromkeys(("fetchall", "fetchmany"), Kind.ROWS),
        "fetchone": Kind.OBJECT,
    },
    Kind.EXTENSION: {
        **dict.fromkeys(("get_or_404", "first_or_404", "one_or_404"), Kind.OBJECT),
        "paginate": Kind.ROWS,
        **dict.fromkeys(("create_engine", "get_engine"), Kind.ENGINE),
        "create_session": Kind.MAKER,
    },
    Kind.APP: dict.fromkeys(("app_context", "test_request_context"), Kind.CONTEXT),
}
