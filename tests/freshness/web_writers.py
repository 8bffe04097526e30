"""Writers through the product's own forms: notes, labels and contacts, as a browser sends them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.freshness import ground as sql, pages
from tests.freshness.clients import UNAVAILABLE, Broken, Client, Reply
from tests.freshness.history import Look, View, Violation
from tests.freshness.writers import SqlWriter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    import psycopg

    from tests.freshness.history import Lane, Life, Op
    from tests.freshness.load import Load
    from tests.freshness.readers import Reader

KINDS = ("note", "label", "contact", "refused")
SEE_OTHER, CONFLICT = 303, 409


@dataclass
class WebWriter:
    """One browser that edits rows which nobody else edits, and looks at once what came of it."""

    load: Load
    random: Random
    reader: Reader
    rows: list[tuple[Lane, Life]] = field(default_factory=list)
    wanted: int = 6
    _deck: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._client: Client = self.reader.client
        self._inserter = SqlWriter(self.load, self.random)

    def close(self) -> None:
        """Hang up."""
        self._inserter.close()
        self.reader.close()

    def step(self) -> None:
        """Edit once; rows to edit are made by SQL."""
        if len(self.rows) < self.wanted:
            lane = self.load.ground.lanes[self.random.choice(("hot", "deep"))]
            made: list[Life] = []
            self._inserter.insert(lane, made)
            self.rows += [(lane, life) for life in made]
            return
        lane, life = self.random.choice(self.rows)
        reply = self.reader.one(lane, life)
        if reply is None:
            return
        if not self._deck:
            self._deck = self.random.sample(KINDS, len(KINDS))
        self.edit(lane, life, self._deck.pop(), reply)

    def edit(self, lane: Lane, life: Life, kind: str, reply: Reply) -> None:
        """Send one of the forms of a row's page."""
        old = life.states[-1].look
        assert old is not None
        if kind == "refused":
            self.refuse(lane, life, old, reply)
            return
        self._look(lane)
        op = self.load.op(f"web {kind}")
        op.rows = (life.id,)
        look, path, form = self._form(op, kind, life, old)
        lane.becomes(life, op, look)
        outcome = self.send(op, path, reply, form)
        if outcome == "fail":
            lane.takes_back(life, op)
        elif outcome == "info":
            self.rows.remove((lane, life))
            self.load.abandoned.append((lane, [life]))
        else:
            self.reader.one(lane, life)
            self._look(lane)

    def _look(self, lane: Lane) -> None:
        """Look at the list, so that the stream is held against what differs before and after."""
        if lane.name == "hot":
            self.reader.page("page", View(lane))

    def _form(self, op: Op, kind: str, life: Life, old: Look) -> tuple[Look, str, dict[str, str]]:
        """Return how a row will look, and the form that makes it so."""
        path = f"/transactions/{life.id}/"
        if kind == "note":
            note = self.load.history.note(op)
            return old._replace(note=note), path + "note", {"note": note}
        if kind == "contact":
            others = [name for name in self.load.ground.contacts if name != old.contact]
            name = self.random.choice(others)
            form = {"contact": name, "reach": "transaction"}
            return old._replace(contact=name), path + "contact", form
        name, number = self.random.choice(list(self.load.ground.labels.items()))
        if name in old.labels:
            look = old._replace(labels=old.labels - {name})
            return look, f"{path}labels/{number}/remove", {"label": name}
        return old._replace(labels=old.labels | {name}), path + "labels/add", {"label": name}

    def refuse(self, lane: Lane, life: Life, old: Look, reply: Reply) -> None:
        """Edit by SQL, then send a note made on the version before: it must be refused."""
        inner = self.load.op("note")
        note = self.load.history.note(inner)
        look = old._replace(note=note)
        inner.rows = (life.id,)

        def work(conn: psycopg.Connection[Any]) -> None:
            self._inserter.write(conn, life.id, old, look)
            inner.xid, versions = sql.versions(conn, [life.id])
            lane.becomes(life, inner, look, versions[0])

        outcome = self._inserter.transact(inner, work)
        if outcome != "ok":
            if outcome == "fail":
                lane.takes_back(life, inner)
            self.rows.remove((lane, life))
            self.load.abandoned.append((lane, [life]))
            return
        op = self.load.op("web refused")
        note = self.load.history.note(op, "r")
        self.load.history.forbid(note, "aborted")
        outcome = self.send(op, f"/transactions/{life.id}/note", reply, {"note": note})
        if outcome == "ok":
            text = f"row {life.id}: a note made on an old version replaced a newer one"
            self.load.found([Violation("lost", text)])
        self.reader.one(lane, life)

    def send(self, op: Op, path: str, reply: Reply, form: Mapping[str, str]) -> str:
        """Send a form with what its page carries, and return the outcome."""
        html = reply.text
        carried = {
            "csrf_token": pages.link(pages.CSRF, html),
            "version": pages.link(pages.VERSION, html),
            "once": str(uuid.UUID(int=self.random.getrandbits(128), version=4)),
        }
        if not pages.ONCE.search(html):
            del carried["once"]
        try:
            answer = self._client.post(path, {**carried, **form})
        except Broken:
            outcome = "info"
        else:
            outcome = {SEE_OTHER: "ok", CONFLICT: "fail", UNAVAILABLE: "info"}.get(
                answer.status, "odd"
            )
            if outcome == "odd":
                said = f"{path} answered {answer.status}: {pages.words(answer.text)}"
                self.load.found([Violation("error", said)])
                outcome = "info"
        self.load.ended(op, outcome)
        return outcome
