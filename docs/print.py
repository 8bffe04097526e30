"""Print what the code says into the README: settings, filters, formats, commands.

`python docs/print.py --write` puts it in; `--check` fails if it is not what stands there.
"""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from dal.fields import FIELDS
from dal.importers import FORMATS
from dal.importers.generic import COLUMNS
from dal.settings import DalSettings
from webapp.cli import main as commands
from webapp.settings import WebSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"(<!-- print: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


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


PRINTERS = {
    "settings": settings,
    "filters": filters,
    "formats": formats,
    "generic": generic,
    "commands": command_list,
}


def printed(text: str) -> str:
    """Return the README with every block as the code says it."""
    return BLOCK.sub(lambda found: found[1] + PRINTERS[found[2]]() + found[3], text)


if __name__ == "__main__":
    text = README.read_text()
    if "--write" in sys.argv:
        README.write_text(printed(text))
    elif printed(text) != text:
        sys.exit("README.md is not what the code says; run: make docs")
