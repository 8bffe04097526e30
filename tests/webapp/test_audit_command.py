"""`freshledger audit`: what it prints, what it takes, how it ends."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tests.webapp.audited.samples import BASE, PLAIN, shows
from webapp.causes import BY_KEY
from webapp.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

CAPTURED = BASE + "\nsession = db.session()" + shows("str(session.scalars(select(Tx)).all())")
LOOK = PLAIN + "\nMake = sessionmaker(engine, expire_on_commit=False)\n"
LINE = CAPTURED.splitlines().index("session = db.session()") + 1


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["audit", *map(str, arguments)])


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "app.py"
    path.write_text(CAPTURED)
    return path


def test_a_finding_is_told_like_a_compiler_does(app: Path) -> None:
    done = run(app)
    assert done.exit_code == 1
    cause = BY_KEY["captured-session"]
    assert f"app.py:{LINE}: certain [captured-session]\n    session = db.session()\n" in done.output
    assert cause.cure in done.output
    assert "claims 07, 08, 09, " in done.output
    assert "docs/diagnosis.md#captured-session\n" in done.output
    assert done.output.endswith("1 file: 1 certain, 0 likely, 0 look.\n")


def test_json_says_the_same(app: Path) -> None:
    done = run(app, "--json")
    (found,) = json.loads(done.output)["findings"]
    cause = BY_KEY["captured-session"]
    assert (found["file"], found["line"]) == (str(app), LINE)
    assert (found["rule"], found["sure"], found["cause"]) == (
        "captured-session", "certain", "captured-session",
    )  # fmt: skip
    assert (found["cure"], found["claims"]) == (cause.cure, list(cause.claims))
    assert found["section"] == cause.section
    assert found["source"] == "session = db.session()"
    assert done.exit_code == 1


def test_what_is_less_sure_can_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(LOOK)
    assert "expire-on-commit" in run(tmp_path).output
    assert run(tmp_path).exit_code == 0, "a look is no fault"
    for sure in ("certain", "likely"):
        assert "expire-on-commit" not in run(tmp_path, "--sure", sure).output


@pytest.mark.parametrize("comment", ["ignore[captured-session]", "ignore[x, captured-session]",
                                     "ignore"])  # fmt: skip
@pytest.mark.parametrize("above", [False, True])
def test_a_comment_silences(app: Path, comment: str, above: bool) -> None:
    marked = f"# freshledger: {comment}"
    line = f"{marked}\nsession = db.session()" if above else f"session = db.session()  {marked}"
    app.write_text(CAPTURED.replace("session = db.session()", line))
    assert run(app).exit_code == 0


def test_a_comment_silences_its_own_rule_alone(app: Path) -> None:
    line = "session = db.session()  # freshledger: ignore[http-cache]"
    app.write_text(CAPTURED.replace("session = db.session()", line))
    assert run(app).exit_code == 1


@pytest.mark.parametrize("name", ["nothing.py", "nowhere"])
def test_a_path_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    done = run(tmp_path / name)
    assert done.exit_code == 2
    assert "does not exist" in done.output


def test_a_directory_without_python_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("session = db.session()")
    done = run(tmp_path)
    assert done.exit_code == 2
    assert "no Python" in done.output


def test_what_cannot_be_parsed_is_named_and_the_rest_is_audited(app: Path) -> None:
    (app.parent / "broken.py").write_text("x = 1\ndef f(:\n")
    (app.parent / "bytes.py").write_bytes(b"x = '\xff'\n")
    done = run(app.parent)
    assert done.exit_code == 1
    assert "broken.py:2: cannot be parsed" in done.output
    assert "bytes.py" in done.output
    assert "1 file; 2 files not parsed: 1 certain" in done.output


def test_a_single_broken_file_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def f(:\n")
    assert run(tmp_path / "broken.py").exit_code == 2


def test_a_declared_encoding_is_followed(tmp_path: Path) -> None:
    line = "session = db.session()"
    text = "# -*- coding: latin-1 -*-\n" + CAPTURED.replace(line, f"{line}  # caf\xe9")
    (tmp_path / "app.py").write_bytes(text.encode("latin-1"))
    assert f"    {line}  # caf\xe9\n" in run(tmp_path).output


def test_links_in_a_circle_end(app: Path) -> None:
    (app.parent / "again").symlink_to(app.parent, target_is_directory=True)
    (app.parent / "gone.py").symlink_to(app.parent / "nowhere.py")
    assert "1 file: 1 certain" in run(app.parent).output


def test_what_nobody_wrote_by_hand_is_named_and_left(app: Path) -> None:
    (app.parent / "data.py").write_text("x = 1\n" * 1_000_000)
    assert "data.py:0: cannot be parsed: too large" in run(app.parent).output


@pytest.mark.parametrize("folder", [".venv", "node_modules", "site-packages", ".hidden", "mine"])
def test_what_others_wrote_is_skipped(app: Path, folder: str) -> None:
    inner = app.parent / folder
    inner.mkdir()
    if folder == "mine":
        (inner / "pyvenv.cfg").touch()
    (inner / "other.py").write_text(CAPTURED)
    assert "1 file: 1 certain" in run(app.parent).output


def test_a_file_is_understood_by_what_stands_around_it(tmp_path: Path) -> None:
    """One file is audited alone; its imports are read, and nothing is said about them."""
    (tmp_path / "pyproject.toml").touch()
    package = tmp_path / "shop"
    package.mkdir()
    (package / "base.py").write_text(BASE + "\nlast = db.session()\n")
    views = package / "views.py"
    views.write_text("from shop.base import Tx, app, db\n\nsession = db.session()\n"
                     + shows("str(session.get(Tx, 1))"))  # fmt: skip
    done = run(views)
    assert "views.py:3: certain [captured-session]" in done.output
    assert "1 file: 1 certain, 0 likely, 0 look." in done.output


def test_nothing_is_run(tmp_path: Path) -> None:
    there = tmp_path / "ran"
    (tmp_path / "app.py").write_text(f"open({str(there)!r}, 'w')\n{CAPTURED}")
    before = set(sys.modules)
    assert run(tmp_path).exit_code == 1
    assert not there.exists()
    assert not {each for each in set(sys.modules) - before if each.startswith("app")}


def test_a_cached_part_of_a_template_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(BASE)
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "page.html").write_text("<ul>\n{% cache 60 %}{{ rows }}{% endcache %}\n")
    assert "page.html:2: likely [cached-fragment]" in run(tmp_path).output


@pytest.mark.parametrize(("name", "line"), [
    ("Procfile", "web: gunicorn --preload app"), ("start.sh", "gunicorn -w 4 --preload app"),
    ("gunicorn.conf.py", "preload_app = True")])  # fmt: skip
def test_how_gunicorn_is_started_is_read(tmp_path: Path, name: str, line: str) -> None:
    opened = "\nwith app.app_context():\n    db.create_all()\n"
    (tmp_path / "app.py").write_text(BASE + opened + shows("str(Tx.query.all())"))
    assert "certain [engine-before-fork]" not in run(tmp_path).output
    (tmp_path / name).write_text(f"{line}\n")
    assert "certain [engine-before-fork]" in run(tmp_path).output
