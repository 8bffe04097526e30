"""Writes that the identity map does not hear of, or that the database does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request
from sqlalchemy import create_engine, select, text, update
from sqlalchemy.orm import (
    Session,
)

from tests.staleness.labelled import (
    Plain,
    Watched,
    appended,
    appended_with_note,
    assigned,
    deep,
    flagged,
)
from tests.staleness.observing import observe, other_function, seen_so
from tests.staleness.shop import Contact, Transaction, db, drawn, reset, with_driver
from tests.staleness.trial import RC, RR, TRUE_IF, Trial, claim
from tests.support.statements import recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from tests.staleness.conftest import Shop


def page(app: Flask) -> None:
    """Give the application a page without an illness."""

    @app.get("/transactions")
    def transactions() -> str:
        reset()
        return drawn(db.session.scalars(select(Transaction).order_by(Transaction.id)))


def engine_of(shop: Shop, isolation: str = RC, **options: Any) -> Any:
    return create_engine(with_driver(shop.url), isolation_level=isolation, **options)


@claim(
    59,
    TRUE_IF,
    "the relationship was loaded before the column was set and nothing has expired it since;"
    " a flush does not, a commit does unless expire_on_commit is off",
)
def test_a_foreign_key_that_is_set_leaves_the_loaded_relationship_as_it_was(
    trial: Trial, shop: Shop, app: Flask
) -> None:
    _key_set(trial, shop, "the contact was loaded, then flush()", True, Session.flush)
    _key_set(trial, shop, "the contact was loaded, then commit()", True, Session.commit)
    _key_set(trial, shop, "the contact was loaded, commit(), expire_on_commit=False", True,
             Session.commit, expire_on_commit=False)  # fmt: skip
    _key_set(trial, shop, "the contact was not loaded before", False, Session.flush)
    engine = engine_of(shop)
    with Session(engine) as session:
        row = session.get_one(Transaction, 1)
        assert row.contact
        row.contact = session.get_one(Contact, 2)
        shown = row.contact.name
    engine.dispose()
    trial.control("the relationship itself is set", gone=shown == "Ben", saw=f"shows {shown}")
    _key_answered(trial, app)
    seen_so(trial, "+-+-+-", "---")


def _key_set(
    trial: Trial,
    shop: Shop,
    when: str,
    loaded: bool,
    then: Callable[[Session], None],
    **options: Any,
) -> None:
    shop.outside.execute("UPDATE transaction SET contact_id = 1 WHERE id = 1")
    engine = engine_of(shop)
    with Session(engine, **options) as session:
        row = session.get_one(Transaction, 1)
        if loaded:
            assert row.contact
        row.contact_id = 2
        then(session)
        shown = row.contact and row.contact.name
        stored = session.scalar(text("SELECT contact_id FROM transaction WHERE id = 1"))
    engine.dispose()
    trial.case(when, holds=shown != "Ben", saw=f"stored contact {stored}, shown {shown}", held=True)


def _key_answered(trial: Trial, app: Flask) -> None:
    """A view that saves and answers with the page: its own answer is old, the next is right."""
    page(app)
    other_function(app)

    @app.post("/transactions/<int:nr>/contact")
    def choose(nr: int) -> str:
        rows = list(db.session.scalars(select(Transaction).order_by(Transaction.id)))
        drawn(rows)  # something looks at the contacts before, as a check of rights does
        db.session.get_one(Transaction, nr).contact_id = int(request.form["contact"])
        db.session.flush()
        answer = drawn(rows)
        db.session.commit()
        return answer

    client = app.test_client()
    own = client.post("/transactions/1/contact", data={"contact": "2"}).text
    trial.case(
        "a view saves it and draws its page before the commit",
        holds="Ben" not in own,
        saw=f"the answer to the save shows {'Anna' if 'Anna' in own else 'Ben'}",
        held=True,
    )
    later = client.get("/transactions").text
    shown = "Anna" if "Anna" in later else "Ben"
    trial.case("the next request", holds=shown != "Ben", saw=f"it shows {shown}", held=False)
    seen = observe(app, lambda word: _rename(app, word)).told(trial)
    assert not seen.first


def _rename(app: Flask, word: str) -> None:
    with app.app_context():
        row = db.session.get_one(Transaction, 1)
        assert row.contact
        fresh = Contact(id=row.contact.id + 10, name=word)
        db.session.add(fresh)
        db.session.flush()
        row.contact_id = fresh.id
        db.session.commit()


# --- 60


@claim(
    60,
    TRUE_IF,
    "the row was loaded before the UPDATE, is still referenced, and nothing expired it since: a"
    " commit does unless expire_on_commit is off; an ORM update() keeps it right by default",
)
def test_an_update_behind_the_identity_map_leaves_loaded_rows_as_they_were(
    trial: Trial, shop: Shop, app: Flask
) -> None:
    orm = update(Transaction).where(Transaction.id == 1).values(note="new")
    by_hand = text("UPDATE transaction SET note = 'new' WHERE id = 1")
    core = update(Transaction.__table__).where(Transaction.__table__.c.id == 1).values(note="new")
    unsynchronised = orm.execution_options(synchronize_session=False)
    for isolation in (RC, RR):
        _behind(trial, shop, "text()", by_hand, isolation=isolation)
    _behind(trial, shop, "update() of the Core table", core)
    _behind(trial, shop, "synchronize_session=False", unsynchronised)
    _behind(trial, shop, "text(), nothing references the row", by_hand, held=False)
    _behind(trial, shop, "text(), then commit()", by_hand, then=Session.commit)
    _behind(trial, shop, "text(), then commit(), expire_on_commit=False", by_hand,
            then=Session.commit, expire_on_commit=False)  # fmt: skip
    for name, how in (("by default", None), ("fetch", "fetch"), ("evaluate", "evaluate")):
        options = {"synchronize_session": how} if how else {}
        shown, _ = _updated(shop, orm.execution_options(**options))
        trial.control(f"ORM update(), synchronised {name}", gone=shown == "new", saw=shown)
    page(app)
    other_function(app)
    observe(app, lambda word: _note_by_text(app, word)).told(trial)
    seen_so(trial, "++++--+", "---")


def _behind(
    trial: Trial, shop: Shop, when: str, statement: Any, *, isolation: str = RC, held: bool = True,
    **options: Any,
) -> None:  # fmt: skip
    shown, selects = _updated(shop, statement, isolation=isolation, held=held, **options)
    trial.case(
        when,
        holds=shown == "first",
        saw=f"{selects} SELECT after the UPDATE, {shown!r} shown",
        isolation=isolation,
        held=held,
        selects=selects,
    )


def _updated(
    shop: Shop,
    statement: Any,
    *,
    isolation: str = RC,
    held: bool = True,
    then: Callable[[Session], None] = lambda _: None,
    **options: Any,
) -> tuple[str, int]:
    """Load, update, and select again in the same session; return the note and the SELECTs."""
    shop.write("first")
    engine = engine_of(shop, isolation)
    with Session(engine, **options) as session, recorded(engine) as sent:
        row = session.get_one(Transaction, 1)
        kept = [row] if held else []
        del row
        session.execute(statement)
        then(session)
        sent.clear()
        shown = session.scalars(select(Transaction).where(Transaction.id == 1)).one().note
        selects = sum(each.startswith("SELECT") for each in sent)
        assert len(kept) == held
    engine.dispose()
    return shown, selects


def _note_by_text(app: Flask, word: str) -> None:
    with app.app_context():
        assert db.session.get_one(Transaction, 1).note
        db.session.execute(text("UPDATE transaction SET note = :note WHERE id = 1"), {"note": word})
        db.session.commit()


# --- 61


@claim(
    61,
    TRUE_IF,
    "the row is already stored and the column does not watch its value: the edit shows in the"
    " answer that made it and is never written, a lost write rather than an old read",
)
def test_json_edited_in_place_shows_once_and_is_never_written(
    trial: Trial, shop: Shop, app: Flask
) -> None:
    _edit(trial, shop, "append() to a plain JSON column", Plain, appended)
    _edit(trial, shop, "append(), and another column changes too", Plain, appended_with_note)
    _edit(trial, shop, "append() to a MutableList", Watched, appended)
    _edit(trial, shop, "an edit one level deeper in a MutableList", Watched, deep)
    _new_row(trial, shop)
    controls = (("the column is a MutableList", Watched, appended),
                ("flag_modified() was called", Plain, flagged),
                ("a new list was assigned", Plain, assigned))  # fmt: skip
    for when, model, edit in controls:
        _, stored = _edited(shop, model, edit)
        trial.control(when, gone="tax" in stored, saw=f"stored {stored}")
    _labels_page(app)
    other_function(app)
    observe(app, lambda word: app.test_client().post("/label", data={"label": word})).told(trial)
    seen_so(trial, "++-+-", "+-+")


def _edited(shop: Shop, model: type[Any], edit: Callable[[Any], None]) -> tuple[str, str]:
    """Edit the labels, commit, and return what the session showed before and what is stored."""
    shop.outside.execute("UPDATE transaction SET labels = %s WHERE id = 1", ('[{"name": "old"}]',))
    engine = engine_of(shop)
    with Session(engine) as session:
        row = session.get_one(model, 1)
        edit(row)
        shown = str(row.labels)
        session.commit()
    engine.dispose()
    stored = shop.outside.execute("SELECT labels::text FROM transaction WHERE id = 1").fetchone()
    assert stored
    return shown, stored[0]


def _edit(trial: Trial, shop: Shop, when: str, model: type[Any], edit: Any) -> None:
    shown, stored = _edited(shop, model, edit)
    assert "tax" in shown
    trial.case(when, holds="tax" not in stored, saw=f"shown {shown}, stored {stored}", held=True)


def _new_row(trial: Trial, shop: Shop) -> None:
    """A row that is not stored yet is written as it is at the flush."""
    shop.outside.execute(
        "ALTER TABLE transaction ALTER occurred_at DROP NOT NULL, ALTER address DROP NOT NULL,"
        " ALTER type DROP NOT NULL, ALTER asset DROP NOT NULL, ALTER amount DROP NOT NULL"
    )
    engine = engine_of(shop)
    with Session(engine) as session:
        row = Plain(id=9, note="", labels=[])
        session.add(row)
        row.labels.append("tax")
        session.commit()
    engine.dispose()
    found = shop.outside.execute("SELECT labels::text FROM transaction WHERE id = 9").fetchone()
    assert found
    trial.case("append() before the row was stored", holds="tax" not in found[0],
               saw=f"stored {found[0]}", held=True)  # fmt: skip


def _labels_page(app: Flask) -> None:
    @app.get("/transactions")
    def transactions() -> str:
        reset()
        return str(db.session.scalars(select(Transaction.labels)).all())

    @app.post("/label")
    def label() -> str:
        db.session.get_one(Transaction, 1).labels.append(request.form["label"])
        db.session.commit()
        return "saved"
