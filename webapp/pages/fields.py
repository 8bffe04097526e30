"""What a form shows in its fields: what is stored, or after a refusal what was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from webapp.scope import g

if TYPE_CHECKING:
    from flask import Flask

    from webapp.errors import Refusal


def refusal_of(action: str) -> Refusal | None:
    """Return why the form with that action was refused just now, if it was."""
    return g.refusal if request.path == action and request.method == "POST" else None


def typed(action: str, name: str, stored: str = "") -> str:
    """Return what to show in a field of the form with that action."""
    return request.form.get(name, stored) if refusal_of(action) else stored


def install(app: Flask) -> None:
    """Let templates ask."""
    app.jinja_env.globals.update(refusal_of=refusal_of, typed=typed)
