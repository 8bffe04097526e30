"""Writing what a form sent: in one transaction, for somebody, once; and leading on from there.

A form carries a number (`once`), made when it was rendered. Sent again, by a second click or after
a connection that broke, it is answered as the first time and changes nothing. A form without a
number, as a script may send it, is done as often as it is sent.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import flash, redirect, request

from dal import submissions
from webapp import forms, freshness
from webapp.scope import g

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Concatenate

    from werkzeug.wrappers import Response

    from dal.database import Connection


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of a write, and where it leads to."""

    place: str
    said: tuple[str, ...]


def submitted(work: Callable[Concatenate[Connection, ...], Answer]) -> Callable[..., Response]:
    """Make a view of what a form does: `work(conn, **arguments)`, in a transaction of its own.

    Raises:
        BadInput: the form's number is damaged.
        Doubtful: the connection broke at the end; the same form can be sent again.
    """

    @wraps(work)
    def view(**arguments: object) -> Response:
        return led(done(lambda conn: work(conn, **arguments)))

    return view


def done(work: Callable[[Connection], Answer]) -> Answer:
    """Do what the present form asks for, unless it was done before, and return what to answer.

    Raises: as `submitted`; whatever leaves `work` undoes all of it, its number included.
    """
    number = forms.once()
    with g.ledger.write() as conn:
        claim = submissions.claim(conn, person(), number)
        if claim.answer is not None:
            known = json.loads(claim.answer)
            answer = Answer(known["place"], tuple(known["said"]))
            floor = freshness.Floor(*known["floor"])
        else:
            answer = work(conn)
            floor = freshness.Floor(*claim.snapshot.lineage, claim.xid)
            if number is not None:
                text = json.dumps(asdict(answer) | {"floor": floor})
                submissions.answer(conn, number, text)
    freshness.remember(floor)
    return answer


def led(answer: Answer) -> Response:
    """Say what was done on the page that comes next, and lead there."""
    for each in answer.said:
        flash(each)
    return redirect(answer.place, HTTPStatus.SEE_OTHER)


def person() -> str:
    """Return whom the change log names for the present request."""
    return f"browser at {request.remote_addr or 'an unknown address'}"
