"""A page that fetches its rows, from a server that lets a later answer overtake an earlier one."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

from flask import request
from sqlalchemy import select

from tests.staleness.shop import Transaction, db, reset

if TYPE_CHECKING:
    from flask import Flask

PATIENCE = 20  # seconds until something has happened that must
#: What a page can do about an answer that was overtaken.
GUARDS = {
    "abort": "the earlier fetch is aborted",
    "newest": "an answer that is not the newest one's is dropped",
}
SCRIPT = """<!doctype html><title>Transactions</title><pre id="rows"></pre><script>
const asked = new URLSearchParams(location.search), drawn = [];
let newest = 0, running;
async function load(nr) {
  newest = nr;
  if (asked.get("guard") === "abort") running?.abort();
  running = new AbortController();
  try {
    const answer = await fetch(`/rows?nr=${nr}&${asked}`, {signal: running.signal});
    const text = await answer.text();
    if (asked.get("guard") !== "newest" || nr === newest) rows.textContent = text;
  } catch (error) { if (error.name !== "AbortError") throw error; }
  drawn.push(nr);
}
load(1);
</script>"""


class Overtaken:
    """A server whose first answer of a page is read at once, and sent when it is told to."""

    def __init__(self, app: Flask) -> None:
        self.read, self.may_answer = Event(), Event()
        app.add_url_rule("/", view_func=lambda: SCRIPT)
        app.add_url_rule("/rows", view_func=self.rows)

    def rows(self) -> str:
        """Return the notes; the first request of a page waits after it has read them."""
        reset()
        found = str(db.session.scalars(select(Transaction.note).order_by(Transaction.id)).all())
        db.session.remove()
        if request.args["nr"] == "1":
            self.read.set()
            self.may_answer.wait(PATIENCE)
        return found
