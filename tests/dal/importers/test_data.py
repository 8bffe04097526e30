"""Drop NAME.csv (or .ndjson) and NAME.json into data/, have a test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dal.importers import FORMATS, open_file
from dal.importers.sheet import simpler
from tests.dal.importers import portrait

DATA = Path(__file__).parent / "data"
FILES = sorted(path for path in DATA.iterdir() if path.suffix != ".json")
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@each_file
def test_file_becomes_what_its_json_says(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    source = open_file(path.read_bytes(), path.name)
    own = source.own_address()
    found = portrait.of_file(source, frozenset({own} if own else ()))
    assert found == expected, json.dumps(found, indent=1, ensure_ascii=False)


@each_file
def test_file_has_one_layout_only(path: Path) -> None:
    source = open_file(path.read_bytes(), path.name)
    names = frozenset(map(simpler, source._file.sheet.header))
    lines = path.suffix == ".ndjson"
    fitting = [layout.name for layout in FORMATS if layout.json is lines and layout.matches(names)]
    assert fitting == [source.format]


@each_file
def test_rows_keep_their_line_and_text_and_come_once(path: Path) -> None:
    lines = path.read_bytes().decode("utf-8").split("\n")
    rows = list(open_file(path.read_bytes(), path.name).rows(frozenset()))
    assert [row.raw for row in rows] == [lines[row.line - 1].rstrip("\r") for row in rows]
    first = rows[0].line - 1
    assert [row.line for row in rows] == [
        number for number, line in enumerate(lines, 1) if number > first and line.strip()
    ]


@each_file
def test_reading_twice_gives_the_same(path: Path) -> None:
    source = open_file(path.read_bytes(), path.name)
    assert list(source.rows(frozenset())) == list(source.rows(frozenset()))


def test_every_layout_has_a_file() -> None:
    told = {json.loads(path.read_text("utf-8"))["format"] for path in DATA.glob("*.json")}
    assert told == {layout.name for layout in FORMATS}


def test_every_file_has_its_own_json() -> None:
    assert len({path.stem for path in FILES}) == len(FILES) == len(list(DATA.glob("*.json")))
