"""What a form sent, typed. A field that is missing or no number is refused by name."""

from __future__ import annotations

import json
import re
import uuid

from flask import request

from dal.errors import BadInput
from webapp.links import local

#: Fields that say nothing of what is asked for.
ENVELOPE = frozenset({"csrf_token", "once"})
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


def once() -> uuid.UUID | None:
    """Return the number of this submission; None where a script sent none.

    It is made of the form's own number and of what the form says: the same form with other content,
    as after the browser's Back button, is another submission.

    Raises:
        BadInput: the form's number is none.
    """
    sent = request.form.get("once", "")
    if not sent:
        return None
    try:
        number = uuid.UUID(sent)
    except ValueError:
        problem = f"{sent[:40]!r} is no number of a form; reload the page"
        raise BadInput("once", problem) from None
    said = sorted(pair for pair in request.form.items(multi=True) if pair[0] not in ENVELOPE)
    return uuid.uuid5(number, json.dumps([request.path, said]))


def new_once() -> str:
    """Return a number for a form that is rendered now."""
    return str(uuid.uuid4())


def _whole(name: str, found: str, pattern: re.Pattern[str]) -> int:
    if not pattern.fullmatch(found):
        raise BadInput(name, f"{found[:40]!r} is no whole number; reload the page")
    return int(found)
