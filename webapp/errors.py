"""From what went wrong to what is answered: one table, one HTML page, one JSON shape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from dal.errors import (
    BadCursor,
    BadInput,
    Busy,
    Conflict,
    DalError,
    ForeignCursor,
    NotFound,
    TooBroad,
    Unavailable,
    UnreadableFile,
)
from webapp.links import Links
from webapp.pages.conflict import Clash
from webapp.pages.error import ErrorPage, Form, Way
from webapp.scope import g
from webapp.state import state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask
    from flask.typing import ResponseReturnValue

    View = Callable[..., ResponseReturnValue]

#: The nearest class wins.
STATUS: Mapping[type[DalError], HTTPStatus] = {
    BadInput: HTTPStatus.BAD_REQUEST,
    TooBroad: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnreadableFile: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Busy: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    DalError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
RETRY_AFTER = 5  # seconds
HOME = Way("Go to all transactions", "/transactions")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered as it was meant."""

    status: HTTPStatus
    title: str
    field: str  # "" where it is no field's fault
    problem: str
    clash: Clash | None = None  # what two have changed, where that is why

    @classmethod
    def of(cls, error: DalError) -> Refusal:
        """Return what to say of an error of the data layer."""
        status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
        title = type(error).__doc__ or ""
        if isinstance(error, BadInput):
            return cls(status, title, error.field, error.problem)
        if isinstance(error, NotFound):
            problem = (
                f"there is no {error.kind} {str(error.name)[:100]!r}; it may have been removed"
            )
            return cls(status, title, error.kind, problem)
        clash = Clash.of(error, g.zone, g.now) if isinstance(error, Conflict) else None
        return cls(status, title, "", ": ".join(map(str, error.args)), clash)

    @property
    def shape(self) -> dict[str, object]:
        """Return what scripts are told: `title`, `field` and `problem`, all text.

        Of a conflict also `conflict`, described at `Clash.shape`.
        """
        shape = {"title": self.title, "field": self.field, "problem": self.problem}
        return shape | ({"conflict": self.clash.shape} if self.clash else {})

    @classmethod
    def of_http(cls, error: HTTPException) -> Refusal:
        """Return what to say of an error of the protocol."""
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        problem = error.description or status.description
        if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            limit = state().settings.upload_limit_mb
            problem = (
                f"At most {limit} MB can be sent at once. Split the file, or raise UPLOAD_LIMIT_MB."
            )
        return cls(status, status.phrase, "", problem)


def shown_again(page: View) -> Callable[[View], View]:
    """Show `page` with what was typed, and what is wrong with it, when the decorated view refuses.

    Scripts get the error itself, and so does everybody where another try cannot help.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(**arguments: int) -> ResponseReturnValue:
            try:
                return view(**arguments)
            except (BadInput, NotFound, Conflict) as error:
                if g.wants_json or isinstance(error, (BadCursor, ForeignCursor)):
                    raise
                g.refusal = Refusal.of(error)
                return page(**arguments), g.refusal.status  # type: ignore[return-value]

        return guarded

    return decorate


def install(app: Flask) -> None:
    """Let an application say plainly what went wrong."""
    app.register_error_handler(DalError, on_dal_error)
    app.register_error_handler(HTTPException, on_http_error)


def on_dal_error(error: DalError) -> Response:
    """Answer an error of the data layer."""
    response = answer(Refusal.of(error), ways_out(error))
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def on_http_error(error: HTTPException) -> Response:
    """Answer an error of the protocol; what the exception itself wants to send along is kept."""
    response = answer(Refusal.of_http(error), (HOME,))
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def answer(refusal: Refusal, ways: tuple[Way, ...]) -> Response:
    """Return a refusal as the sender can read it."""
    if g.wants_json:
        response = jsonify(error=refusal.shape)
    else:
        page = ErrorPage.of(refusal, ways, again(refusal))
        response = Response(render_template("error.html", page=page))
    response.status_code = refusal.status
    return response


def again(refusal: Refusal) -> Form | None:
    """Return the form that was sent, to be sent again, where that may help and does no harm."""
    unavailable = refusal.status is HTTPStatus.SERVICE_UNAVAILABLE
    if request.method != "POST" or not unavailable or request.files:
        return None
    return Form(request.path, tuple(request.form.items(multi=True)))


def ways_out(error: DalError) -> tuple[Way, ...]:
    """Return where to go from an error."""
    if isinstance(error, (BadCursor, ForeignCursor)):
        first = Links(g.where, g.order.key, g.size).first
        return (Way("Go to the first page of this filter", first), HOME)
    if isinstance(error, Unavailable) and request.method == "GET":
        return (Way("Try again", request.full_path.rstrip("?")), HOME)
    return (HOME,)
