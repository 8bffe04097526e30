"""Numbers in paths that the database can hold; any other is simply not found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.routing import IntegerConverter

if TYPE_CHECKING:
    from flask import Flask

#: Below the largest of PostgreSQL's integer and bigint.
DIGITS, MORE_DIGITS = 9, 18


class Id(IntegerConverter):
    """The id of a transaction."""

    regex = rf"\d{{1,{MORE_DIGITS}}}"


class SmallId(IntegerConverter):
    """The id of anything else."""

    regex = rf"\d{{1,{DIGITS}}}"


def install(app: Flask) -> None:
    """Let paths name ids."""
    app.url_map.converters["id"] = Id
    app.url_map.converters["small"] = SmallId
