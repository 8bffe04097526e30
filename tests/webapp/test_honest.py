"""Honest writes: conflicts told, a doubled submit done once, what was written seen, and history."""

from __future__ import annotations

import re
import threading
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from dal import contacts, details, labels, snapshots, submissions, tables, wallets
from dal.database import Ledger
from dal.moments import Deed
from dal.settings import DalSettings
from tests.support import rows
from tests.support.relay import losing
from tests.webapp.ledgers import ANNA, ANNA_SHOWN, ROWS, file
from tests.webapp.test_imports import look
from webapp import create_app
from webapp.pages.wording import WORDS

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

    from tests.webapp.conftest import Site
    from webapp.settings import WebSettings

JSON = {"Accept": "application/json"}
FORM = re.compile(r"<form[^>]*method=\"post\".*?</form>", re.DOTALL)
ONCE = re.compile(r'name="once" value="([^"]+)"')
#: Forms that write no row.
HARMLESS = ("/imports/preview",)


def new_once() -> str:
    return str(uuid.uuid4())


def changes(ledger: Ledger) -> int:
    with ledger.read() as conn:
        return int(conn.execute(text("SELECT count(*) FROM changes")).scalar_one())


@pytest.fixture
def first(site: Site) -> int:
    return site.ids()[0]


# ── Conflicts ────────────────────────────────────────────────────────────────────────────────


def test_the_shape_of_a_conflict_for_scripts(site: Site, books: Ledger, first: int) -> None:
    with books.write(who="browser at 10.0.0.7") as conn:
        details.set_note(conn, first, 1, "theirs")
    path = f"/transactions/{first}/note"
    error = site.post(path, note="mine", version=1, headers=JSON).get_json()["error"]
    assert set(error) == {"title", "field", "problem", "conflict"}
    (told,) = error["conflict"].pop("fields")
    assert error["conflict"] == {"version": 2, "keep": {}}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", told.pop("at"))
    assert re.fullmatch(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d", told.pop("when"))
    assert told == {
        "field": "note", "yours": "mine", "theirs": "theirs", "who": "browser at 10.0.0.7",
    }  # fmt: skip
    again = site.post(path, note="mine", version=error["conflict"]["version"], headers=JSON)
    assert again.status_code == 303


def test_an_edit_at_the_sql_prompt_is_said_as_such(site: Site, books: Ledger, first: int) -> None:
    with books.write() as conn:
        conn.execute(text("UPDATE transactions SET note = '<script>alert(1)</script>'"))
        role = conn.execute(text("SELECT CAST(session_user AS text)")).scalar_one()
    answer = site.post(f"/transactions/{first}/note", note="<b>mine", version=1)
    assert answer.status_code == 409
    assert f"Changed by {role} (SQL), <time" in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text
    assert "<script>alert" not in answer.text
    assert "<b>mine" not in answer.text


def test_what_only_others_changed_is_kept_by_who_insists(site: Site, books: Ledger) -> None:
    with books.write() as conn:
        (rent,) = labels.all(conn)
        labels.edit(conn, rent.id, 1, "flat", "red")
    path = f"/labels/{rent.id}/edit"
    shown = site.post(path, label="home", colour=rent.colour, version=1)
    assert shown.status_code == 409
    form = next(each for each in FORM.findall(shown.text) if f'action="{path}"' in each)
    assert 'value="red" checked' in form
    assert 'value="home"' in form
    version = re.search(r'name="version" value="(\d+)"', form)
    assert version
    assert version[1] == "2"
    error = site.post(path, label="home", colour=rent.colour, version=1, headers=JSON).get_json()
    assert error["error"]["conflict"]["keep"] == {"colour": "red"}
    assert site.post(path, label="home", colour="red", version=2).status_code == 303
    with books.read() as conn:
        (left,) = labels.all(conn)
    assert (left.name, left.colour) == ("home", "red")


def test_a_page_shown_again_does_not_overwrite_what_it_did_not_show(
    site: Site, books: Ledger, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the conflict and the page that tells it, somebody edits again."""
    with books.write() as conn:
        details.set_note(conn, first, 1, "second")
    get = details.get

    def late(*given: Any) -> Any:
        with books.write() as conn:
            details.set_note(conn, first, 2, "third")
        monkeypatch.undo()
        return get(*given)

    with monkeypatch.context():
        monkeypatch.setattr(details, "get", late)
        shown = site.post(f"/transactions/{first}/note", note="mine", version=1)
    assert "<dd>second</dd>" in shown.text
    version = re.search(r'/note">.*?name="version" value="(\d+)"', shown.text, re.DOTALL)
    assert version
    again = site.post(f"/transactions/{first}/note", note="mine", version=version[1])
    assert again.status_code == 409
    assert "<dd>third</dd>" in again.text


def test_different_fields_of_a_row_merge(site: Site, books: Ledger, first: int) -> None:
    assert site.post(f"/transactions/{first}/note", note="mine", version=1).status_code == 303
    named = {"contact": "Bob", "reach": "transaction", "version": 1}
    assert site.post(f"/transactions/{first}/contact", **named).status_code == 303
    with books.read() as conn:
        row = details.one(conn, first)
    assert (row.note, row.contact) == ("mine", "Bob")


def test_a_name_for_the_address_does_not_hide_behind_a_choice(
    site: Site, books: Ledger, first: int
) -> None:
    """Somebody chose Bob for this one meanwhile: Anna, for the address, would not be seen."""
    site.post(f"/transactions/{first}/contact", contact="Bob", reach="transaction", version=1)
    named = {"contact": "Anna", "reach": "address", "version": 1}
    error = site.post(f"/transactions/{first}/contact", **named, headers=JSON).get_json()["error"]
    (told,) = error["conflict"]["fields"]
    assert (told["field"], told["yours"], told["theirs"]) == ("contact", "Anna", "Bob")
    with books.read() as conn:
        assert [each.name for each in contacts.all(conn)] == ["Bob"]


# ── Sent twice, done once ────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("books")
def test_every_form_that_writes_has_a_number_of_its_own(site: Site, first: int) -> None:
    site.post("/contacts/add", contact="Anna", network="ethereum", address=ANNA)
    site.post("/wallets/add", wallet="Cold")
    seen: list[str] = []
    pages = ("/transactions", f"/transactions/{first}", "/labels", "/contacts", "/wallets",
             "/imports/1", "/imports")  # fmt: skip
    for page in pages:
        for form in FORM.findall(site.get(page).text):
            number = ONCE.findall(form)
            harmless = any(f'action="{each}"' in form for each in HARMLESS)
            assert len(number) == 1 or harmless, form
            seen += number
    assert len(seen) == len(set(seen)) > 15
    assert all(uuid.UUID(each).version == 4 for each in seen)


def test_a_second_click_is_answered_as_the_first(site: Site, books: Ledger) -> None:
    once, fields = new_once(), {"label": "food", "colour": "green", "back": "/labels"}
    answers = []
    for _ in range(3):
        answer = site.post("/labels/add", once=once, **fields)
        answers.append((answer.status_code, answer.headers["Location"]))
        assert "The label food is there." in site.get("/labels").text
    assert answers == [(303, "/labels")] * 3
    with books.read() as conn:
        assert [each.name for each in labels.all(conn)] == ["food", "rent"]
    known = changes(books)
    site.post("/labels/add", once=once, **fields)
    assert changes(books) == known
    assert site.post("/labels/add", **fields).status_code == 409, (
        "another form is another submission"
    )


def test_twenty_at_once_do_one_thing(app: Flask, books: Ledger) -> None:
    once, barrier = new_once(), threading.Barrier(20)
    answers: list[tuple[int, str]] = []

    def send(client: FlaskClient, token: str) -> None:
        barrier.wait()
        fields = {"csrf_token": token, "once": once, "wallet": "Cold"}
        answer = client.post("/wallets/add", data=fields)
        answers.append((answer.status_code, answer.headers.get("Location", answer.text)))

    threads = []
    for _ in range(20):
        client = app.test_client()
        token = re.findall(r'name="csrf_token" value="([^"]+)"', client.get("/labels").text)[0]
        threads.append(threading.Thread(target=send, args=(client, token)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [answer for answer in answers if answer == (303, "/wallets")]
    busy = [answer for answer in answers if answer[0] == 503]  # the pool has ten connections
    assert len(done) + len(busy) == 20, answers
    assert len(done) >= 10
    with books.read() as conn:
        assert [each.name for each in wallets.all(conn)] == ["Cold", "Main"]
        logged = "SELECT count(*) FROM changes WHERE relation = 'wallets' AND op = 'insert'"
        assert conn.execute(text(logged)).scalar_one() == 2


def test_what_was_refused_can_be_sent_again(site: Site, books: Ledger, first: int) -> None:
    once, path = new_once(), f"/transactions/{first}/note"
    with books.write() as conn:
        details.set_note(conn, first, 1, "theirs")
    assert site.post(path, once=once, note="mine", version=1).status_code == 409
    with books.write() as conn:
        details.set_note(conn, first, 2, "rent for <march>")  # as it was
    assert site.post(path, once=once, note="mine", version=1).status_code == 303
    with books.read() as conn:
        assert details.one(conn, first).note == "mine"


def test_the_same_form_with_other_content_is_another_submission(
    site: Site, books: Ledger, first: int
) -> None:
    """As after Back: what is typed then must not be answered as saved and be lost."""
    once, path = new_once(), f"/transactions/{first}/labels/add"
    for name in ("food", "tax"):
        assert site.post(path, once=once, label=name).status_code == 303
    with books.read() as conn:
        assert {each.name for each in details.one(conn, first).labels} == {"rent", "food", "tax"}


@pytest.mark.usefixtures("books")
def test_a_damaged_number_is_refused_and_none_is_none(site: Site, first: int) -> None:
    path = f"/transactions/{first}/labels/add"
    answer = site.post(path, once="12", label="food", headers=JSON)
    assert answer.status_code == 400
    assert answer.get_json()["error"]["field"] == "once"
    assert site.post(path, label="food").status_code == 303
    assert site.post(path, once="", label="food").status_code == 303


def test_importing_twice_imports_once_and_says_the_same(site: Site, ledger: Ledger) -> None:
    where, shown = look(site, (file(*ROWS), "a.csv"))
    once = ONCE.findall(shown[shown.index(f"{where}/import") :])[0]
    places = [site.post(f"{where}/import", once=once).headers["Location"] for _ in range(2)]
    assert places[0] == places[1]
    assert "a.csv: 4 rows imported, 4 new transactions." in site.get(places[1]).text
    with ledger.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM imports")).scalar_one() == 1
    for _ in range(2):
        undone = site.post(f"{places[0]}/undo", once=once)
        assert (undone.status_code, undone.headers["Location"]) == (303, "/imports")
    assert site.post(f"{places[0]}/undo").status_code == 404


def test_an_import_that_fails_can_be_sent_again(
    site: Site, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dal.errors import Doubtful

    where, _ = look(site, (file(*ROWS), "a.csv"))
    once = new_once()

    def lose(*_: Any) -> None:
        raise Doubtful("look whether it was")

    with monkeypatch.context() as patched:
        patched.setattr(submissions, "answer", lose)
        assert site.post(f"{where}/import", once=once).status_code == 503
    assert site.post(f"{where}/import", once=once).status_code == 303
    with ledger.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM transactions")).scalar_one() == 4


def test_old_numbers_are_forgotten_a_few_at_a_time(site: Site, books: Ledger) -> None:
    with books.write() as conn:
        old = "INSERT INTO submissions (once, at) SELECT gen_random_uuid(), now() - interval '25 h'"
        conn.execute(text(f"{old} FROM generate_series(1, 15)"))
    for name in "ab":
        site.post("/labels/add", once=new_once(), label=name, colour="red")
    with books.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM submissions")).scalar_one() == 2


def test_the_log_names_the_browser(site: Site, books: Ledger, first: int) -> None:
    site.post(f"/transactions/{first}/note", note="mine", version=1, once=new_once())
    with books.read() as conn:
        last = "SELECT who FROM changes ORDER BY seq DESC LIMIT 1"
        assert conn.execute(text(last)).scalar_one() == "browser at 127.0.0.1"


def test_the_log_names_who_ran_a_command(
    ledger: Ledger, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from webapp.cli import main

    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr("getpass.getuser", lambda: "joe")
    path = tmp_path / "a.csv"
    path.write_bytes(file(*ROWS))
    assert CliRunner().invoke(main, ["import", str(path)]).exit_code == 0
    with ledger.read() as conn:
        who = conn.execute(text("SELECT DISTINCT who FROM changes")).scalars().all()
    assert who == ["joe at the command line"]


# ── A COMMIT whose answer is lost ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("told", [True, False])
def test_a_lost_commit_is_said_and_the_same_form_can_be_sent_again(
    database_url: str, settings: WebSettings, books: Ledger, *, told: bool
) -> None:
    from tests.webapp.conftest import Site

    with losing(database_url, told=told) as relay, Ledger(relay.url, DalSettings()) as far:
        site = Site(create_app(settings, far).test_client())
        fields = {"once": new_once(), "label": "food", "colour": "red", "csrf_token": site.token()}
        relay.arm()
        lost = site.client.post("/labels/add", data=fields)
        assert lost.status_code == 503
        assert "The connection broke while this was being saved" in lost.text
        assert "Send it again" in lost.text
        assert f'name="once" hidden>\n{fields["once"]}</textarea>' in lost.text
        with books.read() as conn:
            assert len(labels.all(conn)) == 1 + told
        again = site.client.post("/labels/add", data=fields)
        assert again.status_code == 303, again.text
        assert "The label food is there." in site.get("/labels").text
    with books.read() as conn:
        assert [each.name for each in labels.all(conn)] == ["food", "rent"]
        added = "SELECT count(*) FROM changes WHERE relation = 'labels' AND op = 'insert'"
        assert conn.execute(text(added)).scalar_one() == 2


# ── What was written is seen ─────────────────────────────────────────────────────────────────


def test_an_older_snapshot_is_no_answer_to_who_wrote(
    site: Site, books: Ledger, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with books.read() as conn:
        old = snapshots.taken(conn)
    site.post(f"/transactions/{first}/note", note="mine", version=1)
    page = f"/transactions/{first}"
    assert site.get(page).status_code == 200
    monkeypatch.setattr(snapshots, "taken", lambda _: old)
    refused = site.get(page)
    assert refused.status_code == 503
    assert "does not show yet what you saved" in refused.text
    assert "mine" not in refused.text
    assert "Freshledger-Snapshot" not in refused.headers
    assert refused.headers["Retry-After"]
    assert site.get(f"{page}/row", headers=JSON).get_json()["error"]["title"]
    stranger = replace(old, incarnation=old.incarnation + 1)
    monkeypatch.setattr(snapshots, "taken", lambda _: stranger)
    assert site.get(page).status_code == 200, "numbers of another incarnation do not compare"


def test_the_list_too_is_checked(
    site: Site, books: Ledger, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dal import transactions

    with books.read() as conn:
        old = transactions.page(conn)
    site.post(f"/transactions/{first}/note", note="mine", version=1)
    assert site.get("/transactions").status_code == 200
    monkeypatch.setattr(transactions, "page", lambda *_, **__: old)
    assert site.get("/transactions").status_code == 503


def test_who_wrote_nothing_is_shown_what_there_is(
    app: Flask, books: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with books.read() as conn:
        old = snapshots.taken(conn)
    with books.write() as conn:
        labels.add(conn, "x")
    monkeypatch.setattr(snapshots, "taken", lambda _: old)
    assert app.test_client().get("/labels").status_code == 200


# ── History ──────────────────────────────────────────────────────────────────────────────────


def history(site: Site, one: int, query: str = "") -> list[str]:
    """Return the history on a transaction's page: an entry a line, its tags taken off."""
    page = site.get(f"/transactions/{one}{query}")
    assert page.status_code == 200
    shown = page.text[page.text.index('id="history"') :]
    shown = shown[: shown.index("</section>")]
    assert "<script>" not in shown
    entries = re.findall(r"<li>(.*?)</li>", shown, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in entries]


def test_every_column_of_every_logged_table_has_its_words() -> None:
    logged = set(tables.metadata.tables) - {"changes", "prunings", "submissions"}
    logged -= {"transaction_notes"}  # a copy
    assert set(WORDS) == logged
    for name in logged:
        columns = set(tables.metadata.tables[name].columns.keys())
        assert set(WORDS[name]) == columns, name


def test_every_change_of_a_column_makes_a_sentence(books: Ledger) -> None:
    from zoneinfo import ZoneInfo

    from webapp.pages.history import sentences
    from webapp.pages.wording import SUBJECT, WHOLE, Terms

    terms = Terms({}, ZoneInfo("UTC"))
    with books.write() as conn:
        contacts.add_address(conn, contacts.add(conn, "Anna"), 1, "ethereum", ANNA)
        wallets.add_address(conn, 1, 1, "ethereum", "0x" + "1" * 40)
        for name, known in WORDS.items():
            image = conn.execute(text(f"SELECT to_jsonb(r) FROM {name} r LIMIT 1")).scalar_one()
            assert name in SUBJECT or name in WHOLE
            for both in ((None, image), (image, None)):
                assert len(list(sentences(terms, Deed(name, "", *both)))) == 1
            for column, words in known.items():
                other = {"true": False}.get(str(image[column]).lower(), image[column])
                changed = image | {column: _another(other)}
                said = list(sentences(terms, Deed(name, "", image, changed)))
                assert len(said) == (words is not None), (name, column)


def _another(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return 7 if value is None else not value
    if isinstance(value, str):
        return f"2001{value[4:]}" if re.match(r"2\d{3}-", value) else f"{value}1"
    return value + 1


def test_the_history_of_a_row_from_its_file_to_the_sql_prompt(
    site: Site, books: Ledger, first: int
) -> None:
    site.post(f"/transactions/{first}/note", note="x", version=1)
    site.post(f"/transactions/{first}/labels/add", label="tax")
    site.post(f"/transactions/{first}/contact", contact="Anna", reach="transaction", version=2)
    with books.write() as conn:
        role = conn.execute(text("SELECT CAST(session_user AS text)")).scalar_one()
        conn.execute(text("DELETE FROM contacts"))
        conn.execute(text("DELETE FROM labels WHERE name = 'rent'"))
    with books.write(who="joe at the command line") as conn:
        here = {"id": first}
        conn.execute(text("UPDATE transactions SET type = 'gift' WHERE id = :id"), here)
        conn.execute(text("UPDATE transactions SET type = 'income' WHERE id = :id"), here)
        fee = "DELETE FROM movements WHERE transaction_id = :id AND kind = 'fee'"
        conn.execute(text(fee), here)
    entries = [re.sub(r"^[\d-]+ [\d:]+ ", "", entry) for entry in history(site, first)]
    assert entries == [
        "joe at the command line type: send → income fee of -0.0021 ETH removed",
        f"{role} (SQL) contact: Anna → nobody label rent removed",
        "browser at 127.0.0.1 contact: nobody → Anna",
        "browser at 127.0.0.1 label tax added",
        "browser at 127.0.0.1 note: “rent for &lt;march&gt;” → “x”",
        f"{role} (SQL) created (import 1, small.csv) label rent added",
    ]


def test_wallets_contacts_and_labels_have_their_histories(site: Site, books: Ledger) -> None:
    site.post("/contacts/add", contact="Anna", network="ethereum", address=ANNA)
    with books.write() as conn:
        conn.execute(text("UPDATE contacts SET name = '<script>', note = 'x'"))
        conn.execute(text("UPDATE contact_addresses SET network = 'polygon'"))
        conn.execute(text("UPDATE labels SET colour = 'teal'"))
        conn.execute(text("UPDATE wallets SET name = 'Kraken'"))
        wallets.add_address(conn, 1, 2, "ethereum", "0x" + "1" * 40)
    moved = f"{ANNA_SHOWN} on Polygon added address {ANNA_SHOWN} on Ethereum removed"
    expected = {
        "contacts": [
            "(SQL) name: “Anna” → “&lt;script&gt;” note: nothing → “x” address " + moved,
            f"browser at 127.0.0.1 created address {ANNA_SHOWN} on Ethereum added",
        ],
        "labels": ["(SQL) colour: ", "(SQL) created"],
        "wallets": ["(SQL) name: “Main” → “Kraken” address 0x1111", "(SQL) created"],
    }
    for name, entries in expected.items():
        shown = site.get(f"/{name}").text
        found = re.search(r'<ol class="history">(.*?)</ol>', shown, re.DOTALL)
        assert found
        told = [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in found[1].split("</li>")]
        told = [each for each in told if each]
        assert len(told) == len(entries), told
        for one, words in zip(told, entries, strict=True):
            assert words in one


def test_the_histories_of_a_list_are_one_statement(site: Site, books: Ledger) -> None:
    from tests.support.statements import recorded

    with recorded(books._reading) as sent:
        site.get("/labels")
    assert len([each for each in sent if "changes" in each]) == 1


def test_what_is_named_in_a_history_is_only_text(site: Site, books: Ledger, first: int) -> None:
    bad = "<script>alert(1)</script>"
    with books.write(who=bad) as conn:
        conn.execute(text("UPDATE transactions SET note = :bad"), {"bad": bad})
        labels.attach(conn, labels.add(conn, bad), 1, [first])
        details.choose_contact(conn, first, 2, contacts.add(conn, bad))
        conn.execute(text("UPDATE assets SET symbol = :bad || id"), {"bad": bad})
        conn.execute(text("UPDATE movements SET position = position + 1"))
    assert "&lt;script&gt;" in history(site, first)[0]


def test_a_long_history_is_cut_and_can_be_asked_for_whole(
    site: Site, books: Ledger, first: int
) -> None:
    for number in range(205):
        with books.write() as conn:
            conn.execute(text(f"UPDATE transactions SET note = '{number}' WHERE id = {first}"))
    short, whole = history(site, first), history(site, first, "?history=all")
    assert "?history=all" in site.get(f"/transactions/{first}").text
    assert len(short) < 205 < len(whole) == 206
    assert short == whole[: len(short)]
    assert "created" in whole[-1]
    assert "“203” → “204”" in whole[0]
    assert site.get(f"/transactions/{first}?other=1").status_code == 400


def test_a_history_whose_beginning_is_forgotten(site: Site, books: Ledger, first: int) -> None:
    with books.write() as conn:
        conn.execute(text("SET LOCAL freshledger.pruning = 'on'"))
        conn.execute(text("DELETE FROM changes"))
    assert history(site, first) == []
    assert "not known any more" in site.get(f"/transactions/{first}").text


def test_money_in_a_history_is_exact(site: Site, books: Ledger, first: int) -> None:
    digits = str(rows.MOST)
    most = f"-{digits[:-18]}.{digits[-18:]}"
    with books.write() as conn:
        change = f"UPDATE movements SET amount = {most} WHERE transaction_id = {first}"
        conn.execute(text(f"{change} AND kind = 'principal'"))
    assert f"amount: -1.234567890123456789 → {most}" in history(site, first)[0]
