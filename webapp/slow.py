"""Slow statements are logged with their page, as a line that can be pasted into a shell.

    freshledger explain 'asset=ETH&type!=fee'  # slow: 312 ms, transactions page: asset, type!; …

What a line holds of the request is its address, cookies never. Whatever could end the line, the
quotation or the comment is written as %XX, which is read as it was meant.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import has_request_context, request

from dal import slow

if TYPE_CHECKING:
    import logging

    from flask import Flask

#: What stays as it is between single quotes, in any shell.
PLAIN = "".join(set(string.punctuation) - set("'\\"))
#: What can be explained: the list by its query alone, its figures by their address.
EXPLAINED = {"transactions.index": "", "transactions.totals": "/transactions/totals?"}


def install(_app: Flask) -> None:
    """Let the log of slow statements name the page."""
    slow.LOG.addFilter(name_page)


def name_page(record: logging.LogRecord) -> bool:
    """Put the command that explains it ahead of what is said of a statement, or the page behind."""
    if has_request_context():
        record.msg, record.args = told(record.getMessage()), ()
    return True


def told(comment: str) -> str:
    """Return the line to log of the request at hand."""
    begin = EXPLAINED.get(request.endpoint or "")
    if begin is None:
        return f"{comment} at {request.method} {quote(request.path)}"
    return f"freshledger explain '{begin}{quote(request.query_string, safe=PLAIN)}'  {comment}"
