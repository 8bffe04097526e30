"""Asking a page: on a connection that is kept, or on a new one for each request."""

from __future__ import annotations

import base64
import socket
import ssl
import time
import zlib
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT = 10.0  # seconds for an answer, from the first byte sent to the last one read
LARGEST, CHUNK = 8_000_000, 65_536  # bytes
EITHER_WAY = 32 + zlib.MAX_WBITS  # zlib's for gzip and deflate alike
SAFE = "/%:@!$&'()*+,;=~-._?[]"
ACCEPT = {
    "User-Agent": "freshledger-probe",
    "Accept": "text/html,application/json;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a page is, and how it is asked for."""

    host: str
    port: int | None
    path: str  # with its query
    headers: Mapping[str, str]
    secure: bool = False
    trusting: bool = False  # take any certificate

    @property
    def place(self) -> str:
        """Return host and port, in words."""
        return f"{self.host}:{self.port or (443 if self.secure else 80)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one request."""

    sent: int  # time.monotonic_ns() when it left
    answered: int  # and when all of the answer was there
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    text: str = ""
    trouble: str = ""  # why there is no answer


def address(url: str, headers: Mapping[str, str], *, trusting: bool = False) -> Address:
    """Return the address that a URL names.

    Raises:
        ValueError: it is none; says what to write.
    """
    if "://" not in url:
        raise ValueError(f"write it in full, as in http://{url.lstrip('/')}")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("write http:// or https://, a host and a path")
    path = quote(parts.path or "/", safe=SAFE)
    if parts.query:
        path += "?" + quote(parts.query, safe=SAFE)
    given = dict(headers)
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        given.setdefault("Authorization", f"Basic {base64.b64encode(pair).decode()}")
    return Address(
        host=parts.hostname,
        port=parts.port,
        path=path,
        headers=ACCEPT | given,
        secure=parts.scheme == "https",
        trusting=trusting,
    )


class Line:
    """One visitor's way to the page: a connection that is kept, or a new one each time."""

    def __init__(self, address: Address, number: int, *, kept: bool) -> None:
        self.number = number
        self.kept = kept
        self._address = address
        self._connection: HTTPConnection | None = None

    def get(self, extra: Mapping[str, str] | None = None) -> Answer:
        """Ask for the page."""
        return self._ask("GET", None, extra or {})

    def post(self, form: Mapping[str, str]) -> Answer:
        """Send a form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", urlencode(form).encode(), kind)

    def close(self) -> None:
        """Give the connection up."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _ask(self, method: str, body: bytes | None, extra: Mapping[str, str]) -> Answer:
        used = self._connection is not None
        answer = self._once(method, body, extra)
        if answer.trouble and used and method == "GET":
            answer = self._once(method, body, extra)  # the server may close what was idle
        return answer

    def _once(self, method: str, body: bytes | None, extra: Mapping[str, str]) -> Answer:
        sent = time.monotonic_ns()
        try:
            connection = self._connection or _connected(self._address)
            self._connection = connection
            sent = time.monotonic_ns()
            headers = {**self._address.headers, **extra}
            connection.request(method, self._address.path, body, headers)
            response = connection.getresponse()
            text = _text(response)
        except (OSError, HTTPException, zlib.error, ValueError) as error:
            self.close()
            trouble = _plainly(error, self._address)
            return Answer(sent=sent, answered=time.monotonic_ns(), trouble=trouble)
        if not self.kept or response.will_close:
            self.close()
        return Answer(
            sent=sent,
            answered=time.monotonic_ns(),
            status=response.status,
            headers={name.lower(): value for name, value in response.getheaders()},
            text=text,
        )


def _connected(address: Address) -> HTTPConnection:
    if address.secure:
        context = ssl.create_default_context()
        if address.trusting:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        found: HTTPConnection = HTTPSConnection(
            address.host, address.port, timeout=TIMEOUT, context=context
        )
    else:
        found = HTTPConnection(address.host, address.port, timeout=TIMEOUT)
    found.connect()
    return found


def _text(response: HTTPResponse) -> str:
    """Return what the answer says, of which there may be too much, or no end."""
    deadline = time.monotonic() + TIMEOUT
    body = bytearray()
    while chunk := response.read1(CHUNK):
        body += chunk
        if time.monotonic() > deadline:
            raise TimeoutError
        if len(body) > LARGEST:
            raise HTTPException(f"the page has more than {LARGEST:,} bytes")
    response.close()  # so that the connection takes the next request
    if response.getheader("Content-Encoding") in {"gzip", "deflate"}:
        body = bytearray(zlib.decompressobj(EITHER_WAY).decompress(bytes(body), LARGEST))
    charset = response.headers.get_content_charset() or "utf-8"
    try:
        return body.decode(charset, errors="replace")
    except LookupError:
        return body.decode(errors="replace")


def _plainly(error: Exception, address: Address) -> str:
    """Return in words why there is no answer."""
    match error:
        case ConnectionRefusedError():
            return f"nobody answers at {address.place}"
        case socket.gaierror():
            return f"there is no host {address.host}"
        case TimeoutError():
            return f"{address.place} did not answer in full within {TIMEOUT:.0f} s"
        case ssl.SSLCertVerificationError():
            return f"the certificate of {address.place} is not trusted ({error.verify_message})"
        case _:
            return f"{address.place} broke off ({str(error) or type(error).__name__})"
