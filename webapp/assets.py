"""Static files under an address that changes with their content, so that they can be kept for ever.

The version is a part of the path, not of the query: the modules import each other by relative
paths and so stay within one version.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Blueprint, abort, current_app, send_from_directory

if TYPE_CHECKING:
    from flask import Flask, Response

FOLDER = Path(__file__).parent / "static"
YEAR = 365 * 24 * 60 * 60
bp = Blueprint("assets", __name__)


def version() -> str:
    """Return a word that changes when any static file does."""
    digest = hashlib.sha256()
    for path in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
        digest.update(path.relative_to(FOLDER).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


@bp.get("/static/<version>/<path:name>")
def file(version: str, name: str) -> Response:
    """Answer a static file of this version; an older page's files are gone with it."""
    if version != current_app.config["ASSETS"]:
        abort(404)
    response = send_from_directory(FOLDER, name, max_age=YEAR)
    response.cache_control.immutable = True
    return response


def asset(name: str) -> str:
    """Return the address of a static file."""
    return f"/static/{current_app.config['ASSETS']}/{name}"


def install(app: Flask) -> None:
    """Serve the static files and let templates name them."""
    app.config["ASSETS"] = version()
    app.register_blueprint(bp)
    app.jinja_env.globals["asset"] = asset
