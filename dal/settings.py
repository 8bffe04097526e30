"""Where the ledger lives and how long it may think, read from the environment once."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dal.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Mapping


def knob(name: str, default: Any, words: str) -> Any:  # noqa: ANN401 (a field of any type)
    """Declare a setting: its variable, its default, and the sentence that explains it."""
    return field(default=default, metadata={"variable": name, "help": words})


SWITCH = {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}


class FromEnvironment:
    """Gives a dataclass made of knobs a constructor that reads the environment."""

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Return the settings that `environ` asks for; an empty variable means the default.

        Raises:
            BadValue: a variable holds no value of its type; names the variable.
        """
        asked = {}
        for setting in fields(cls):  # type: ignore[arg-type]  # subclasses are dataclasses
            text = environ.get(setting.metadata["variable"], "").strip()
            if text:
                asked[setting.name] = _value(setting.metadata["variable"], setting.default, text)
        return cls(**asked)


def _value(variable: str, default: object, text: str) -> object:
    """Return the text as a value of the default's type.

    >>> _value("DEBUG", False, "yes"), _value("PORT", 8000, "80")
    (True, 80)
    """
    if isinstance(default, bool):
        if text.lower() not in SWITCH:
            raise BadValue(variable, f"{text!r} is none of {', '.join(SWITCH)}")
        return SWITCH[text.lower()]
    if isinstance(default, int) and not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise BadValue(variable, f"{text!r} is no whole number, as in {default}")
    return type(default)(text)  # type: ignore[call-arg]  # of a type that is made from text


@dataclass(frozen=True, slots=True)
class DalSettings(FromEnvironment):
    """What the data layer can be told."""

    database_url: str = knob(
        "DATABASE_URL",
        "",
        "The PostgreSQL to use (14 or newer). Empty: an embedded one is started.",
    )
    home: Path = knob(  # noqa: RUF009 (a field, made once on purpose)
        "FRESHLEDGER_HOME",
        Path(".freshledger"),
        "Where the embedded database, its log, the signing key and waiting uploads live.",
    )
    statement_timeout_ms: int = knob(
        "STATEMENT_TIMEOUT_MS",
        10_000,
        "A question that takes longer is given up and said so (503).",
    )
    page_timeout_ms: int = knob(
        "PAGE_TIMEOUT_MS",
        250,
        "A page of transactions that takes longer is given up, and the reader told what to narrow"
        " (422); raise it where disks are slow. 0: STATEMENT_TIMEOUT_MS holds.",
    )
    exact_timeout_ms: int = knob(
        "EXACT_TIMEOUT_MS",
        120_000,
        "An exact count, which is asked for by itself, may take so long.",
    )
    exact_at_once: int = knob(
        "EXACT_AT_ONCE",
        2,
        "Exact counts that one process works on at the same time, on connections of their own;"
        " never all of its THREADS. Who comes next is told to wait.",
    )
    pool_size: int = knob(
        "POOL_SIZE",
        10,
        "Connections that one process keeps at most, for pages, other reading and writing each.",
    )
    keep_history_days: int = knob(
        "KEEP_HISTORY_DAYS",
        0,
        "How long `freshledger prune` lets the change log reach back; 0: for ever.",
    )
    slow_ms: int = knob(
        "SLOW_MS",
        250,
        "A reading statement that takes longer is logged, with the command that explains its page;"
        " 0: never.",
    )
