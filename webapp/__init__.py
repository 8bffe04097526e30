"""The web application: HTTP in; HTML and JSON out. It holds no SQL and no rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

from webapp import (
    assets,
    compilation,
    converters,
    errors,
    freshness,
    security,
    signing,
    slow,
    template_filters,
)
from webapp.pages import fields
from webapp.scope import Scope, check_request
from webapp.state import EXTENSION, State
from webapp.views import (
    changes,
    contacts,
    exports,
    health,
    imports,
    labels,
    transaction,
    transactions,
    wallets,
)

if TYPE_CHECKING:
    from dal.database import Ledger
    from webapp.settings import WebSettings

#: What is installed into every application; `compilation` before whatever asks for a template.
PARTS = (
    compilation,
    converters,
    security,
    freshness,
    errors,
    assets,
    slow,
    template_filters,
    fields,
)
MEGABYTE = 1024 * 1024
VIEWS = (transactions, exports, transaction, wallets, contacts, labels, imports, changes, health)


def create_app(settings: WebSettings, ledger: Ledger | None = None) -> Flask:
    """Return the application, over a ledger or over one that each worker opens for itself.

    Raises:
        BadValue: a setting cannot be used; names its variable.
    """
    app = Flask(__name__, static_folder=None)
    app.app_ctx_globals_class = Scope
    shared = State.of(settings, ledger)
    app.extensions[EXTENSION] = shared
    app.config.update(
        SECRET_KEY=shared.session_key,
        SESSION_COOKIE_NAME="freshledger",
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=settings.upload_limit_mb * MEGABYTE,
    )
    app.session_interface = signing.Sessions()
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    for part in PARTS:
        part.install(app)
    app.before_request(check_request)
    for view in VIEWS:
        app.register_blueprint(view.bp)
    return app
