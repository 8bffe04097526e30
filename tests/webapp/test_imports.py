"""Files: looked at before anything is written, imported, listed, downloaded, undone."""

from __future__ import annotations

import csv
import io
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.webapp.ledgers import MANY, ROWS, file

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

    from dal.database import Ledger
    from tests.webapp.conftest import Site
    from webapp.settings import WebSettings

BAD = ("2024-13-45,send,,,,b1,,1,EUR,,,,,,", "2024-01-01,send,,,,b2,,one,EUR,,,,,,")


def send(site: Site, *files: tuple[bytes, str], **fields: Any) -> TestResponse:
    return site.post(
        "/imports/preview", file=[(io.BytesIO(data), name) for data, name in files], **fields
    )


def look(site: Site, *files: tuple[bytes, str], **fields: Any) -> tuple[str, str]:
    """Return address and text of the preview."""
    answer = send(site, *files, **fields)
    assert answer.status_code == 303, answer.text
    where = answer.headers["Location"]
    return where, site.get(where).text


def count(ledger: Ledger) -> int:
    from dal import transactions

    with ledger.read() as conn:
        return transactions.page(conn).counted


def test_a_preview_writes_nothing(site: Site, ledger: Ledger) -> None:
    where, text = look(site, (file(*ROWS, *BAD), "my export.csv"), wallet="Bank")
    assert "my export.csv" in text
    assert "<strong>Bank</strong>" in text
    assert "<dt>rows</dt><dd>6</dd>" in text
    assert "<dt>new</dt><dd>4</dd>" in text
    assert "<dt>rejected</dt><dd>2</dd>" in text
    assert "has no" in text or "calendar" in text or "2024-13-45" in text
    assert count(ledger) == 0
    assert "Nothing was imported yet" in site.get("/imports").text
    assert site.get(where).text.count("<dd>6</dd>") == 1  # as often as one likes


def test_confirm_imports_once(site: Site, ledger: Ledger, settings: WebSettings) -> None:
    where, _ = look(site, (file(*ROWS), "a.csv"))
    answer = site.post(f"{where}/import")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/imports/")
    assert (
        "a.csv: 4 rows imported, 4 new transactions." in site.get(answer.headers["Location"]).text
    )
    assert count(ledger) == 4
    again = site.post(f"{where}/import")
    assert again.status_code == 404
    assert count(ledger) == 4
    assert not list((settings.dal.home / "uploads").iterdir())


@pytest.mark.usefixtures("books")
def test_the_same_file_again_is_all_there(site: Site) -> None:
    _, text = look(site, (file(*ROWS), "again.csv"), wallet="Main")
    assert "<dt>already there</dt><dd>4</dd>" in text
    assert "importing again adds nothing" in text


def test_several_files_at_once_one_of_them_unreadable(site: Site, ledger: Ledger) -> None:
    where, text = look(
        site, (file(ROWS[0]), "a.csv"), (b"\x00\x01nonsense", "b.bin"), (file(*MANY), "c.csv")
    )
    assert text.index("a.csv") < text.index("b.bin") < text.index("c.csv")
    assert "This file has no known layout" in text
    assert site.post(f"{where}/import").headers["Location"] == "/imports"
    assert count(ledger) == 61


def test_nothing_readable_is_422(site: Site, ledger: Ledger) -> None:
    where, text = look(site, (b"nonsense", "b.txt"))
    assert ">Import</button>" not in text
    assert site.post(f"{where}/import").status_code == 422
    assert count(ledger) == 0


@pytest.mark.parametrize(
    ("fields", "problem"),
    [({"wallet": "x" * 101}, "too many"), ({"network": "mars"}, "not one of")],
)
def test_what_was_said_of_a_file_is_checked_first(
    site: Site, fields: dict[str, str], problem: str
) -> None:
    answer = send(site, (file(*ROWS), "a.csv"), **fields)
    assert answer.status_code == 400
    assert problem in answer.text


def test_no_file_is_refused(site: Site) -> None:
    answer = site.post("/imports/preview", wallet="Bank")
    assert answer.status_code == 400
    assert "choose at least one file" in answer.text
    assert 'value="Bank"' in answer.text


def test_discard(site: Site, settings: WebSettings) -> None:
    where, _ = look(site, (file(*ROWS), "a.csv"))
    assert site.post(f"{where}/discard").status_code == 303
    assert site.get(where).status_code == 404
    assert not list((settings.dal.home / "uploads").iterdir())


def test_a_token_cannot_be_made_up(site: Site, settings: WebSettings) -> None:
    where, _ = look(site, (file(*ROWS), "a.csv"))
    name = where.rpartition("/")[2].rpartition(".")[0]
    assert site.get(f"/imports/preview/{name}").status_code == 400
    assert site.get(f"/imports/preview/{name}.{'0' * 32}").status_code == 400
    assert site.get("/imports/preview/..%2F..%2Fetc.x").status_code in {400, 404}
    assert (settings.dal.home / "uploads" / name).stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("settings")
def test_names_of_files_are_only_names(site: Site) -> None:
    where, text = look(site, (file(*ROWS), "../../<b>evil\x07.csv"))
    assert "&lt;b&gt;evil" in text
    assert "../" not in text
    assert site.post(f"{where}/import").status_code == 303


def test_what_nobody_decided_on_goes_after_a_day(site: Site, settings: WebSettings) -> None:
    where, _ = look(site, (file(*ROWS), "a.csv"))
    folder: Path = next((settings.dal.home / "uploads").iterdir())
    os.utime(folder, (time.time() - 90_000,) * 2)
    look(site, (file(*ROWS), "b.csv"))
    assert site.get(where).status_code == 404


@pytest.mark.usefixtures("ledger")
def test_an_import_accounts_for_each_row(site: Site) -> None:
    where, _ = look(site, (file(*ROWS, *BAD), "a.csv"))
    here = site.post(f"{where}/import").headers["Location"]
    text = site.get(here).text
    assert "rejected 2" in text
    assert "2024-13-45,send" in text
    rejected = site.get(f"{here}?outcome=rejected").text
    assert "2024-13-45,send" in rejected
    assert ",k1" not in rejected  # the row itself, not a chance of the random token
    assert site.get(f"{here}?outcome=nix").status_code == 400
    answer = site.get(f"{here}/rows.csv")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["line"] for row in rows] == ["6", "7"]
    assert [row["row"] for row in rows] == list(BAD)
    assert all(row["reason"] for row in rows)


def test_an_import_is_undone_after_saying_what_is_lost(site: Site, books: Ledger) -> None:
    text = site.get("/imports/1").text
    assert "1 transaction with a label or a note would lose it" in text
    assert site.post("/imports/1/undo").headers["Location"] == "/imports"
    assert count(books) == 0
    assert site.post("/imports/1/undo").status_code == 404


@pytest.mark.usefixtures("books")
def test_the_list_has_the_four_counts_and_leads_on(site: Site) -> None:
    text = site.get("/imports").text
    assert 'href="/imports/1"' in text
    assert 'href="/transactions?import=1"' in text
    assert len(site.ids("?import=1")) == 4
