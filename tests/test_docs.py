"""The README says what the code says, and its script runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dal import transactions
from dal.importers import open_file
from dal.ingest import ingest

if TYPE_CHECKING:
    import pytest

    from dal.database import Ledger

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SCRIPT = re.search(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_printed_parts_are_what_the_code_says() -> None:
    command = [sys.executable, "docs/print.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_script_is_about_ten_lines_and_runs(
    ledger: Ledger,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert SCRIPT is not None
    assert len(SCRIPT[1].strip().splitlines()) <= 12
    rows = "2024-01-01,2,ETH\n2024-01-02,0.5,ETH\n2024-01-03,7,BTC\n2024-01-04,1,eth\n"
    data = f"Date,Received Amount,Received Asset\n{rows}".encode()
    with ledger.write() as conn:
        ingest(conn, open_file(data, "mine.csv"), "mine.csv")
    monkeypatch.setenv("DATABASE_URL", database_url)
    exec(compile(SCRIPT[1], "README.md", "exec"), {})
    assert capsys.readouterr().out == "2\n"
    with ledger.read() as conn:
        page = transactions.page(conn)
    assert sorted(row.amount for row in page.rows if row.labels) == [1, 2]


def test_every_make_target_explains_itself() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    explained = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert targets == explained
    assert {"run", "test", "check", "sql", "plans", "import-shared"} <= targets


def test_the_locks_name_no_host() -> None:
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / lock).read_text()
        assert "://" not in text
        assert "--hash=sha256:" in text
