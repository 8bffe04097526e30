"""Print what the code says into the README, and what was run into the diagnosis.

`python docs/print.py --write` puts it in; `--check` fails if it is not what stands there.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dal.fields import FIELDS
from dal.importers import FORMATS
from dal.importers.generic import COLUMNS
from dal.settings import DalSettings
from tests.staleness import matrix_table, verdicts
from tests.staleness.claims import BY_NR
from webapp.causes import CAUSES
from webapp.cli import main as commands
from webapp.settings import WebSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from webapp.causes import Cause

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("README.md", "docs/diagnosis.md", "docs/trials.md")
BLOCK = re.compile(r"(<!-- print: ([\w-]+)((?: [\w-]+)*) -->\n).*?(<!-- end -->)", re.DOTALL)


def settings() -> str:
    """Return every setting with its default and its sentence."""
    knobs = [knob for kind in (DalSettings, WebSettings) for knob in fields(kind)]
    return table(
        ("variable", "default", "what it does"),
        (
            (f"`{knob.metadata['variable']}`", f"`{knob.default}`", knob.metadata["help"])
            for knob in knobs
            if knob.metadata.get("variable")
        ),
    )


def filters() -> str:
    """Return every filter with its help and an example."""
    rows = ((f"`{row.key}`", row.help, f"`{row.key}={row.example}`") for row in FIELDS)
    return table(("key", "what it asks", "example"), rows)


def formats() -> str:
    """Return every layout that an importer knows."""
    return "".join(f"- {layout.title}\n" for layout in FORMATS)


def generic() -> str:
    """Return the columns of our own CSV."""
    return table(("column", "what stands in it"), ((f"`{name}`", words) for name, words in COLUMNS))


def command_list() -> str:
    """Return every command with its sentence."""
    rows = (
        (f"`freshledger {name}`", command.get_short_help_str(120))
        for name, command in sorted(commands.commands.items())
    )
    return table(("command", "what it does"), rows)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *map(list, rows)]
    cells = ([cell.replace("|", "\\|").replace("``", "") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


# ── The diagnosis ────────────────────────────────────────────────────────────────────────────


def claims() -> str:
    """Return the claims with their verdicts, one a row."""
    rows = ((f'<a id="claim-{int(nr)}"></a>{nr}', *rest) for nr, *rest in verdicts.rows(_tried()))
    return table(("nr", "who", "claim", "verdict", "evidence", "test"), rows)


def counts() -> str:
    """Return how many claims got which verdict."""
    return f"{len(_tried())} claims: {verdicts.counts(_tried())}.\n"


def versions() -> str:
    """Return what the trials were run with."""
    found = verdicts.read()["versions"].items()
    return ", ".join(f"{name} {number}" for name, number in found) + ".\n"


def record() -> str:
    """Return every trial with its cases and controls."""
    return "\n" + "".join(verdicts.record(_tried()))


def rivals() -> str:
    """Return the causes that neither answer names and that give all three observations."""
    forgotten = ((nr, told) for nr, told in _tried().items() if not BY_NR[int(nr)].who)
    found = [nr for nr, told in forgotten if verdicts.gives_all(told)]
    return ", ".join(f"[{nr}](#claim-{nr})" for nr in found) + "\n"


def looks() -> str:
    """Return what probe and audit print of three sick applications and of this one."""
    kept = json.loads((ROOT / "tests/staleness/instruments.json").read_text())
    return "\n" + "".join(_look(name, said) for name, said in kept.items())


def _look(name: str, said: dict[str, str]) -> str:
    return (
        f"<details><summary><code>{name}</code>: {said['sentence']}</summary>\n\n"
        f"```text\n$ freshledger probe {said['asked']}\n{said['probe']}```\n\n"
        f"```text\n$ freshledger audit {said['source']}\n{said['audit']}```\n\n</details>\n\n"
    )


def tests(*numbers: str) -> str:
    """Return the tests of some claims, by name."""
    each = (f"{nr} `{_tried()[nr]['test'].rpartition('/')[2]}`" for nr in numbers)
    return f"<sub>Tests: {', '.join(each)}</sub>\n"


def cures() -> str:
    """Return a section for each cause: its cure, what this project does, its tests."""
    return "\n" + "\n".join(_cure(cause) for cause in CAUSES)


def _cure(cause: Cause) -> str:
    return (
        f'<a id="{cause.key}"></a>\n#### {cause.title[0].upper()}{cause.title[1:]}\n\n'
        f"*Cure.* {cause.cure}\n\n*Here.* {cause.here}\n\n{tests(*map(str, cause.claims))}"
    )


def matrix() -> str:
    """Return the matrix of builds, with what its marks mean."""
    return f"{matrix_table.LEGEND}\n{matrix_table.markdown(_built()['rows'])}"


def culprits() -> str:
    """Return the builds that give all three observations, and what the run was made with."""
    made = f"{_built()['seconds']} s; {matrix_table.made_with(_built()['versions'])}.\n"
    return f"{matrix_table.summary(_built()['rows'])}\n<sub>{made.strip()}</sub>\n"


@cache
def _built() -> matrix_table.Row:
    return matrix_table.read()


@cache
def _tried() -> dict[str, verdicts.Run]:
    found: dict[str, verdicts.Run] = verdicts.read()["claims"]
    return found


PRINTERS: dict[str, Callable[..., str]] = {
    "settings": settings,
    "filters": filters,
    "formats": formats,
    "generic": generic,
    "commands": command_list,
    "claims": claims,
    "counts": counts,
    "versions": versions,
    "record": record,
    "tests": tests,
    "cures": cures,
    "matrix": matrix,
    "culprits": culprits,
    "rivals": rivals,
    "looks": looks,
}


def printed(text: str) -> str:
    """Return a document with every block as the code says it."""
    return BLOCK.sub(
        lambda found: found[1] + PRINTERS[found[2]](*found[3].split()) + found[4], text
    )


def main() -> None:
    """Write the documents, or say which is not what the code says."""
    for path in map(ROOT.joinpath, DOCUMENTS):
        text = path.read_text()
        if "--write" in sys.argv:
            path.write_text(printed(text))
        elif printed(text) != text:
            sys.exit(f"{path.relative_to(ROOT)} is not what the code says; run: make docs")


if __name__ == "__main__":
    main()
