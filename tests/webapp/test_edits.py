"""Edits by plain form: done, said, led back; refused ones keep what was typed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from dal import contacts, details, labels, wallets
from tests.webapp.ledgers import ANNA, fill

if TYPE_CHECKING:
    from dal.database import Ledger
    from dal.records import Transaction
    from tests.webapp.conftest import Site


@pytest.fixture
def first(site: Site) -> int:
    return site.ids()[0]


def read(ledger: Ledger, transaction_id: int) -> Transaction:
    with ledger.snapshot() as conn:
        return details.get(conn, transaction_id).transaction


def test_a_note_is_saved_and_the_user_led_back(site: Site, books: Ledger, first: int) -> None:
    version = read(books, first).version
    back = "/transactions?asset=ETH"
    answer = site.post(f"/transactions/{first}/note", note=" for <b> ", version=version, back=back)
    assert (answer.status_code, answer.headers["Location"]) == (303, back)
    text = site.get(back).text
    assert "The note is saved." in text
    assert "for &lt;b&gt;" in text
    assert "The note is saved." not in site.get(back).text


def test_a_note_changed_meanwhile_is_a_conflict_that_keeps_both(
    site: Site, books: Ledger, first: int
) -> None:
    version = read(books, first).version
    with books.write() as conn:
        details.set_note(conn, first, version, "theirs")
    answer = site.post(f"/transactions/{first}/note", note="mine", version=version)
    assert answer.status_code == 409
    assert ">mine</textarea>" in answer.text
    assert "<dt>Theirs</dt><dd>theirs</dd>" in answer.text
    assert "Somebody was faster" in answer.text
    assert read(books, first).note == "theirs"
    again = re.search(r'/note">.*?name="version" value="(\d+)"', answer.text, re.DOTALL)
    assert again
    assert (
        site.post(f"/transactions/{first}/note", note="mine", version=again[1]).status_code == 303
    )
    assert read(books, first).note == "mine"


@pytest.mark.usefixtures("books")
def test_a_conflict_is_told_to_scripts(site: Site, first: int) -> None:
    answer = site.post(
        f"/transactions/{first}/note",
        note="mine",
        version=77,
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 409
    assert answer.get_json()["error"]["title"] == "Somebody was faster"


@pytest.mark.usefixtures("books")
def test_a_note_too_long_is_kept_to_be_shortened(site: Site, first: int) -> None:
    answer = site.post(f"/transactions/{first}/note", note="ä" * 10_001, version=1)
    assert answer.status_code == 400
    assert "ä" * 10_001 in answer.text
    assert "at most 10,000" in answer.text


def test_a_contact_named_for_the_address_shows_everywhere(
    site: Site, books: Ledger, first: int
) -> None:
    version = read(books, first).version
    site.post(f"/transactions/{first}/contact", contact="Anna", reach="address", version=version)
    assert site.get("/transactions").text.count(">Anna</a>") == 2
    with books.read() as conn:
        (anna,) = contacts.all(conn)
    assert [(place.network, place.address) for place in anna.addresses] == [("ethereum", ANNA)]


def test_a_contact_named_for_one_transaction_shows_there_only(
    site: Site, books: Ledger, first: int
) -> None:
    version = read(books, first).version
    path = f"/transactions/{first}/contact"
    site.post(path, contact="Bob", reach="transaction", version=version)
    assert site.get("/transactions").text.count(">Bob</a>") == 1
    site.post(path, contact="", version=read(books, first).version)
    assert read(books, first).contact is None


def test_an_address_of_somebody_else_is_a_conflict_that_keeps_the_name(
    site: Site, books: Ledger, first: int
) -> None:
    site.post("/contacts/add", contact="Anna", network="ethereum", address=ANNA)
    version = read(books, first).version
    answer = site.post(
        f"/transactions/{first}/contact", contact="Bob", reach="address", version=version
    )
    assert answer.status_code == 409
    assert 'value="Bob"' in answer.text
    stored = site.get("/contacts").text
    assert not re.search(r"\bBob\b", stored)  # as a word: a token may have it among its letters


def test_labels_are_hung_and_taken_off(site: Site, books: Ledger, first: int) -> None:
    site.post(f"/transactions/{first}/labels/add", label="Tax 2024")
    worn = {label.name: label.id for label in read(books, first).labels}
    assert set(worn) == {"rent", "Tax 2024"}
    site.post(f"/transactions/{first}/labels/{worn['rent']}/remove", label="rent")
    assert [label.name for label in read(books, first).labels] == ["Tax 2024"]


def test_a_label_renamed_meanwhile_is_not_taken_off(site: Site, books: Ledger, first: int) -> None:
    (rent,) = read(books, first).labels
    with books.write() as conn:
        labels.rename(conn, rent.id, 1, "flat")
    answer = site.post(f"/transactions/{first}/labels/{rent.id}/remove", label="rent")
    assert answer.status_code == 409
    assert "is now called" in answer.text
    assert [label.name for label in read(books, first).labels] == ["flat"]


@pytest.mark.usefixtures("books")
def test_a_label_without_a_name_is_refused(site: Site, first: int) -> None:
    answer = site.post(f"/transactions/{first}/labels/add", label="  ")
    assert answer.status_code == 400
    assert "write a name" in answer.text


@pytest.mark.usefixtures("books")
def test_many_are_labelled_and_unlabelled(site: Site) -> None:
    ids = site.ids()
    answer = site.post(
        "/transactions/labels", id=ids, label="Rent", do="attach", back="/transactions?size=25"
    )
    assert answer.headers["Location"] == "/transactions?size=25"
    assert "Added to 3 transactions: Rent, 1 unchanged." in site.get("/transactions").text
    assert len(site.ids("?label=rent")) == 4
    site.post("/transactions/labels", id=ids[:2], label="RENT", do="detach")
    assert len(site.ids("?label=rent")) == 2


def test_ticks_are_checked(site: Site) -> None:
    for fields, status in (
        ({"label": "x"}, 400),
        ({"label": "x", "id": "1; DROP"}, 400),
        ({"id": "1"}, 400),
        ({"label": "nobody", "id": "1", "do": "detach"}, 404),
        ({"label": "x", "id": "9" * 18}, 303),
    ):
        assert site.post("/transactions/labels", **fields).status_code == status, fields


def test_labels_page(site: Site, books: Ledger) -> None:
    site.post("/labels/add", label="food", colour="green")
    with books.read() as conn:
        food, rent = labels.all(conn)
    assert site.post("/labels/add", label="FOOD", colour="red").status_code == 409
    assert site.post("/labels/add", label="x", colour="black").status_code == 400
    answer = site.post(
        f"/labels/{food.id}/edit", label="meals", colour="teal", version=food.version
    )
    assert answer.status_code == 303
    stale = site.post(f"/labels/{food.id}/edit", label="dishes", colour="red", version=food.version)
    assert stale.status_code == 409
    assert 'value="dishes"' in stale.text
    merged = site.post(f"/labels/{rent.id}/merge", into=food.id, version=rent.version)
    assert merged.status_code == 303
    text = site.get("/labels").text
    assert "1 transaction newly bear" in text
    assert 'href="/transactions?label=meals"' in text
    with books.read() as conn:
        (left,) = labels.all(conn)
    assert (left.name, left.colour, left.transactions) == ("meals", "teal", 1)
    site.post(f"/labels/{left.id}/remove", version=left.version)
    assert "No labels yet" in site.get("/labels").text


def test_wallets_page(site: Site, books: Ledger) -> None:
    assert 'value="-100.5"' in site.get("/wallets").text
    site.post("/wallets/add", wallet="Cold")
    with books.read() as conn:
        cold, main = wallets.all(conn)
    bad = site.post(
        f"/wallets/{cold.id}/addresses/add",
        network="ethereum",
        address="0xD8dA6BF26964aF9D7eEd9e03E53415D37aA96045",
        version=cold.version,
    )
    assert bad.status_code == 400
    assert "wrong checksum" in bad.text
    assert 'value="0xD8dA6BF26964aF9D7eEd9e03E53415D37aA96045"' in bad.text
    added = site.post(
        f"/wallets/{cold.id}/addresses/add", network="ethereum", address=ANNA, version=cold.version
    )
    assert added.status_code == 303
    assert len(site.ids("?type=transfer")) > 0
    with books.read() as conn:
        cold, main = wallets.all(conn)
    gone = site.post(
        f"/wallets/{cold.id}/addresses/remove",
        network="ethereum",
        address=ANNA,
        version=cold.version,
    )
    assert gone.status_code == 303
    full = site.post(f"/wallets/{main.id}/remove", version=main.version)
    assert full.status_code == 409
    assert "still has transactions" in full.text
    renamed = site.post(f"/wallets/{main.id}/rename", wallet="Kraken", version=main.version)
    assert renamed.status_code == 303
    assert site.ids("?wallet=kraken")
    with books.read() as conn:
        cold, _ = wallets.all(conn)
    assert site.post(f"/wallets/{cold.id}/remove", version=cold.version).status_code == 303


def test_contacts_page(site: Site, books: Ledger) -> None:
    assert site.post("/contacts/add", contact="Anna", note="sister").status_code == 303
    with books.read() as conn:
        (anna,) = contacts.all(conn)
    site.post(
        f"/contacts/{anna.id}/addresses/add", network="ethereum", address=ANNA, version=anna.version
    )
    assert site.ids("?contact=anna")
    edit = f"/contacts/{anna.id}/edit"  # on a version without the address, which does not matter
    assert site.post(edit, contact="Anna A.", note="x", version=anna.version).status_code == 303
    stale = site.post(edit, contact="Anna B.", note="x", version=anna.version)
    assert stale.status_code == 409
    assert 'value="Anna B."' in stale.text
    assert "<dt>Theirs</dt><dd>Anna A.</dd>" in stale.text
    assert site.get("/contacts/names?q=an").get_json() == {"names": ["Anna A."]}
    with books.read() as conn:
        (anna,) = contacts.all(conn)
    site.post(
        f"/contacts/{anna.id}/addresses/remove",
        network="ethereum",
        address=ANNA,
        version=anna.version,
    )
    with books.read() as conn:
        (anna,) = contacts.all(conn)
    assert not anna.addresses
    assert site.post(f"/contacts/{anna.id}/remove", version=anna.version).status_code == 303
    assert "Nobody yet" in site.get("/contacts").text


def test_a_second_file_is_not_needed_for_an_edit_to_stay(
    site: Site, books: Ledger, first: int
) -> None:
    site.post(f"/transactions/{first}/note", note="mine", version=read(books, first).version)
    fill(books)
    assert read(books, first).note == "mine"
