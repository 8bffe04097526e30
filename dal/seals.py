"""Signed text: what leaves in a link or a token and must come back as it was.

HMAC-SHA-256, RFC 2104, cut to half as its §5 allows; base64 as it fits into an address.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

SIGNATURE = 16  # bytes


def seal(body: bytes, purpose: bytes, key: bytes) -> str:
    """Return the body with its signature, as text for an address; good for one purpose only."""
    return _text(_signature(body, purpose, key) + body)


def opened(text: str, purpose: bytes, key: bytes) -> bytes | None:
    """Return the body that `seal` signed; None if it did not write this text."""
    raw = _raw(text)
    signature, body = raw[:SIGNATURE], raw[SIGNATURE:]
    # The text must also be the one that seal() writes: base64 leaves spare bits in its last letter.
    genuine = hmac.compare_digest(signature, _signature(body, purpose, key))
    return body if genuine and _text(raw) == text else None


def _signature(body: bytes, purpose: bytes, key: bytes) -> bytes:
    return hmac.digest(key, purpose + b"\0" + body, hashlib.sha256)[:SIGNATURE]


def _raw(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (TypeError, ValueError):  # binascii.Error is a ValueError
        return b""


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
