"""The rows of the matrix: every build, in the order in which the table shows them.

What is wrong with a build is the first line of its docstring, read from its source: importing a
build would open its database.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

BUILDS = Path(__file__).parent / "builds"
OURS = "freshledger"  # our own application: no file among the builds


@dataclass(frozen=True, slots=True)
class Row:
    """One build, and how it is deployed."""

    name: str
    kind: str
    options: tuple[str, ...] = ()  # of gunicorn
    threads: int = 1  # that answer in one worker
    added: str = ""  # SQL: what its database has besides

    @property
    def sentence(self) -> str:
        """Return what is wrong with it."""
        if self.name == OURS:
            return "Freshledger: one statement for each page, on a connection of its request."
        text = ast.get_docstring(ast.parse((BUILDS / f"{self.name}.py").read_text())) or ""
        return text.splitlines()[0]


#: A contact with as many transactions as fill a page, which is usual.
MORE = (
    "INSERT INTO transaction SELECT nr, now(), '0xabc', 'receive', 'ETH', 1, '', NULL, '[]', 1"
    " FROM generate_series(100, 149) AS nr"
)
VIEW = "CREATE MATERIALIZED VIEW transaction_list AS SELECT * FROM transaction"
ROWS = (
    Row(OURS, "as it should be"),
    Row("correct", "as it should be"),
    Row("correct_without_extension", "as it should be"),
    Row("captured_session", "a session kept from the start"),
    Row("global_session", "a session kept from the start"),
    Row("repository_singleton", "a session kept from the start"),
    Row("default_argument", "a session kept from the start"),
    Row("held_objects", "a session kept from the start"),
    Row("captured_back_references", "a session kept from the start", added=MORE),
    Row("captured_autocommit", "a session kept from the start"),
    Row("captured_let_go", "a session kept from the start"),
    Row("captured_repeatable_read", "a session kept from the start"),
    Row("captured_keeping_values", "a session kept from the start"),
    Row("captured_for_reading", "a session kept from the start"),
    Row("module_query", "a session kept from the start"),
    Row("module_query_let_go", "a session kept from the start"),
    Row("pushed_context", "a wrong scope, or no end"),
    Row("scope_constant", "a wrong scope, or no end"),
    Row("scope_process", "a wrong scope, or no end"),
    Row("no_teardown", "a wrong scope, or no end"),
    Row("no_teardown_held", "a wrong scope, or no end"),
    Row("no_teardown_threads", "a wrong scope, or no end", ("--threads=2",), threads=2),
    Row("no_teardown_repeatable_read", "a wrong scope, or no end"),
    Row("list_at_first_request", "rows kept"),
    Row("rows_in_cookie", "rows kept"),
    Row("lru_cached", "a cache"),
    Row("cached_page", "a cache"),
    Row("cached_fragment", "a cache"),
    Row("cache_deleted_by_writes", "a cache"),
    Row("cache_in_files", "a cache"),
    Row("materialised_view", "a cache", added=VIEW),
    Row("max_age", "HTTP"),
    Row("blind_etag", "HTTP"),
    Row("uncommitted_writer", "the writer"),
    Row("uncommitted_global", "the writer"),
    Row("background_writer", "the writer"),
    Row("core_update", "the writer"),
    Row("json_in_place", "the writer"),
    Row("frozen_bound", "the deployment"),
    Row("engine_before_fork", "the deployment", ("--preload",)),
)
BY_NAME = {row.name: row for row in ROWS}
