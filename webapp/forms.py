"""What a form sent, typed. A field that is missing or no number is refused by name."""

from __future__ import annotations

import re

from flask import request

from dal.errors import BadInput
from webapp.links import local

SMALL, BIG = re.compile(r"\d{1,9}", re.ASCII), re.compile(r"\d{1,18}", re.ASCII)


def text(name: str) -> str:
    """Return a text, as typed.

    Raises:
        BadInput: the form has no such field.
    """
    found = request.form.get(name)
    if found is None:
        raise BadInput(name, "is missing; reload the page and send the form again")
    return found


def optional(name: str) -> str:
    """Return a text without the blanks around it; "" where there is none."""
    return request.form.get(name, "").strip()


def number(name: str) -> int:
    """Return a version, or the id of anything but a transaction."""
    return _whole(name, text(name), SMALL)


def transactions(name: str = "id") -> list[int]:
    """Return the ids of the ticked transactions.

    Raises:
        BadInput: there are none, or one is no id.
    """
    ids = [_whole(name, each, BIG) for each in request.form.getlist(name)]
    if not ids:
        raise BadInput("rows", "tick at least one transaction")
    return ids


def back(otherwise: str) -> str:
    """Return where the user was, if that is a page of ours."""
    return local(request.form.get("back", ""), otherwise)


def _whole(name: str, found: str, pattern: re.Pattern[str]) -> int:
    if not pattern.fullmatch(found):
        raise BadInput(name, f"{found[:40]!r} is no whole number; reload the page")
    return int(found)
