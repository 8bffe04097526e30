"""Pages that read a copy: it is as old as the last time somebody made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from tests.staleness.observing import Observations, observe, other_function, seen_so
from tests.staleness.shop import db, reset
from tests.staleness.trial import RC, RR, TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from flask import Flask

    from tests.staleness.conftest import Shop

REFRESH = text("REFRESH MATERIALIZED VIEW shown")
TRIGGER = """
CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE transaction SET label = NEW.name WHERE contact_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER follow AFTER UPDATE ON contact FOR EACH ROW EXECUTE FUNCTION follow();
"""


def made(shop: Shop) -> None:
    """Make a materialized view, and a copy of the contact's name in each transaction."""
    shop.outside.execute("CREATE MATERIALIZED VIEW shown AS SELECT id, note FROM transaction")
    shop.outside.execute(
        "UPDATE transaction SET label = name FROM contact WHERE contact.id = contact_id"
    )


def notes(shop: Shop, isolation: str = RC) -> list[str]:
    with shop.outside.transaction():
        shop.outside.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
        return [note for (note,) in shop.outside.execute("SELECT note FROM shown ORDER BY id")]


def labels(shop: Shop) -> list[str]:
    return [each for (each,) in shop.outside.execute("SELECT label FROM transaction WHERE id = 1")]


@claim(
    69,
    TRUE_IF,
    "the copy is not renewed in the writer's own transaction; where the application renews it"
    " after its own writes, it gives all three observations, in every worker",
)
def test_a_copy_is_as_old_as_its_last_renewal(trial: Trial, shop: Shop, app: Flask) -> None:
    made(shop)
    shop.write("new")
    for isolation in (RC, RR):
        found = notes(shop, isolation)[0]
        trial.case("a materialized view, the row is changed", holds=found == "first",
                   saw=f"the view has {found!r}, the table {shop.stored()!r}",
                   isolation=isolation)  # fmt: skip
    with shop.outside.transaction():
        shop.write("newer")
        shop.outside.execute("REFRESH MATERIALIZED VIEW shown")
    found = notes(shop)[0]
    trial.case("the writer renews the view before its commit", holds=found != "newer",
               saw=f"the view has {found!r}")  # fmt: skip
    shop.outside.execute("UPDATE contact SET name = 'Anne' WHERE id = 1")
    trial.case("a column copied from the contact, who is renamed", holds=labels(shop) == ["Anna"],
               saw=f"the copy says {labels(shop)[0]}")  # fmt: skip
    shop.outside.execute(TRIGGER)
    shop.outside.execute("UPDATE contact SET name = 'Anneli' WHERE id = 1")
    trial.case("a trigger keeps the copied column", holds=labels(shop) != ["Anneli"],
               saw=f"the copy says {labels(shop)[0]}")  # fmt: skip
    found = _joined(shop)
    trial.control("the page reads the tables", gone=found == "Anneli", saw=found)
    renewed, left = _observed(shop, app)
    trial.case("a materialized view, no function renews it", holds=left.first, saw=left.words)
    trial.case("a materialized view, the other function renews it", holds=renewed.first,
               saw=renewed.words)  # fmt: skip
    renewed.told(trial, "a materialized view that each function of the application renews")
    seen_so(trial, "++-+-++", "+++")


def _joined(shop: Shop) -> str:
    found = shop.outside.execute(
        "SELECT name FROM transaction JOIN contact ON contact.id = contact_id WHERE note = 'newer'"
    ).fetchone()
    assert found
    return str(found[0])


def _observed(shop: Shop, app: Flask) -> tuple[Observations, Observations]:
    """Return what is seen where the other function renews the view, and where it does not."""
    renewing = [True]

    @app.get("/transactions")
    def transactions() -> str:
        reset()
        return str(db.session.execute(text("SELECT id, note FROM shown ORDER BY id")).all())

    def renew() -> None:
        if renewing[0]:
            db.session.execute(REFRESH)
            db.session.commit()

    other_function(app, also=renew)
    with_renewal = observe(app, shop.write)
    renewing[0] = False
    return with_renewal, observe(app, shop.write)
