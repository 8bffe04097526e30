"""What a form shows in its fields: what is stored, or after a refusal what was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from webapp.forms import new_once
from webapp.scope import g

if TYPE_CHECKING:
    from flask import Flask

    from webapp.errors import Refusal


def refusal_of(action: str) -> Refusal | None:
    """Return why the form with that action was refused just now, if it was."""
    return g.refusal if request.path == action and request.method == "POST" else None


def is_contested(action: str) -> bool:
    """Return whether the form with that action offers two values to choose from."""
    refusal = refusal_of(action)
    return bool(refusal and refusal.clash and refusal.clash.differences)


def typed(action: str, name: str, stored: str = "") -> str:
    """Return what to show in a field of the form with that action.

    After a conflict that is what was typed only where it was: a field that was left as it stood
    shows what somebody else has made of it since, so that sending the form again keeps it.
    """
    refusal = refusal_of(action)
    if refusal is None:
        return stored
    if refusal.clash and name in refusal.clash.untouched:
        return refusal.clash.untouched[name]
    return request.form.get(name, stored)


def version_for(action: str, version: int) -> int:
    """Return the version that the form with that action is made on.

    After a conflict it is that of the row whose value was shown beside what was typed, which may be
    older than the page: what nobody was shown is not overwritten.
    """
    refusal = refusal_of(action)
    if refusal is None or refusal.clash is None:
        return version
    return refusal.clash.version


def here() -> str:
    """Return the page that shows the stored values: the one that forms with this one's path are on.

    >>> page_of("/transactions/7/note"), page_of("/labels/3/edit")
    ('/transactions/7', '/labels')
    """
    return page_of(request.path)


def page_of(action: str) -> str:
    """Return the page on which the form with that action stands."""
    parts = action.split("/")
    return "/".join(parts[: 3 if parts[1] == "transactions" else 2])


def install(app: Flask) -> None:
    """Let templates ask."""
    app.jinja_env.globals.update(
        here=here,
        is_contested=is_contested,
        once=new_once,
        refusal_of=refusal_of,
        typed=typed,
        version_for=version_for,
    )
