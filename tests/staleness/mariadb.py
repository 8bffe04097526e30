"""The shop on a throw-away MariaDB, where one is installed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pymysql  # type: ignore[import-untyped]  # it ships no types

from tests.support.mariadb import started

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The shop's tables with lengths, which MariaDB wants and PostgreSQL does not.
TABLES = """
CREATE TABLE contact (id int PRIMARY KEY, name varchar(99) NOT NULL);
CREATE TABLE transaction (id int PRIMARY KEY, occurred_at datetime NOT NULL, address varchar(99),
    type varchar(99), asset varchar(99), amount decimal(38, 18), note varchar(99),
    label varchar(99), labels json, contact_id int REFERENCES contact (id));
INSERT INTO contact VALUES (1, 'Anna'), (2, 'Ben');
INSERT INTO transaction VALUES
    (1, '2026-01-01 12:00', '0xabc', 'receive', 'ETH', 1, 'first', NULL, '[]', 1);
"""


@contextmanager
def shop() -> Iterator[tuple[str, pymysql.Connection]]:
    """Yield the socket of a server with the shop's tables, and a connection in autocommit."""
    with started("shop") as path:
        place = {"user": "root", "unix_socket": path, "database": "shop"}
        with pymysql.connect(**place, autocommit=True) as conn:
            with conn.cursor() as cursor:
                for statement in TABLES.split(";")[:-1]:
                    cursor.execute(statement)
            yield path, conn
