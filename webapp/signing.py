"""The secret that all workers share, and what is signed with it."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING, Any

from flask.sessions import SecureCookieSessionInterface

from dal.errors import BadInput, BadValue

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from webapp.settings import WebSettings

SHORTEST = 16
DIGITS = 32  # hexadecimal ones of a signature: 128 bits


def secret_of(settings: WebSettings) -> bytes:
    """Return the configured secret, or the one kept beside the ledger, made if there is none.

    Raises:
        BadValue: the configured one is too short to keep anybody out.
    """
    if not settings.secret:
        return _kept(settings.dal.home / "secret")
    if len(settings.secret) < SHORTEST:
        raise BadValue("SECRET_KEY", f"shorter than {SHORTEST} characters; leave it empty for one")
    return settings.secret.encode()


def _kept(path: Path) -> bytes:
    """Return what the file holds; of several processes that make it, one wins and all agree."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".secret-{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()


class Sessions(SecureCookieSessionInterface):
    """Sessions in Flask's signed cookie; what signs it is made once, not at every request."""

    _serializer: Any = None

    def get_signing_serializer(self, app: Flask) -> Any:  # noqa: ANN401 (of what Flask signs with)
        """Return what signs, of the one application that these sessions belong to."""
        if self._serializer is None:
            self._serializer = super().get_signing_serializer(app)
        return self._serializer


def derived(secret: bytes, purpose: str) -> bytes:
    """Return a key for one purpose, from which neither the secret nor another key follows."""
    return hmac.digest(secret, purpose.encode(), hashlib.sha256)


def sign(word: str, key: bytes) -> str:
    """Return a word with its signature behind it."""
    return f"{word}.{_signature(word, key)}"


def unsign(text: str, key: bytes) -> str:
    """Return the word that `sign` signed.

    Raises:
        BadInput: it was not signed here.
    """
    word, _, signature = text.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(word, key).encode()):
        raise BadInput("token", "this link is not ours, or is damaged; start again")
    return word


def _signature(word: str, key: bytes) -> str:
    return hmac.digest(key, word.encode(), hashlib.sha256).hex()[:DIGITS]
