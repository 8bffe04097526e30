"""What keeps other sites out: headers, the host that may be asked for, and tokens on every edit.

CSP: https://www.w3.org/TR/CSP3/ · Fetch metadata: https://www.w3.org/TR/fetch-metadata/
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import abort, request, session

from webapp.scope import g
from webapp.state import state

if TYPE_CHECKING:
    from flask import Flask, Response

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "font-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
READING = frozenset({"GET", "HEAD", "OPTIONS"})
STALE = "The form is out of date, or was sent by another site. Reload the page and send it again."


def install(app: Flask) -> None:
    """Guard every request and every answer of an application."""
    app.before_request(check_host)
    app.before_request(check_sender)
    app.after_request(add_headers)
    app.jinja_env.globals["csrf_token"] = csrf_token


def check_host() -> None:
    """Refuse names that are not ours: a foreign name that leads here is DNS rebinding."""
    host = (urlsplit(f"//{request.host}").hostname or "").rstrip(".")
    settings = state().settings
    named = {name.strip().lower() for name in settings.trusted_hosts.split(",")}
    if host in named | {settings.host, "localhost"} or host.endswith(".localhost") or _is_ip(host):
        return
    abort(400, f"This server is not known as {host[:80]!r}. If it should be, set TRUSTED_HOSTS.")


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def check_sender() -> None:
    """Refuse a change that our own pages did not ask for."""
    if request.method in READING:
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        abort(403, STALE)
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        abort(403, STALE)
    sent = request.form.get("csrf_token", "")
    known = session.get("csrf", "")
    if not known or not hmac.compare_digest(sent.encode(), known.encode()):
        abort(403, STALE)


def csrf_token() -> str:
    """Return the token that this browser's forms must carry."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(32)
    token: str = session["csrf"]
    return token


def add_headers(response: Response) -> Response:
    """Add what browsers should enforce; whatever does not say otherwise is never kept by them."""
    response.headers.extend(HEADERS)
    if g.seen is not None:
        response.headers["Freshledger-Snapshot"] = g.token
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response
