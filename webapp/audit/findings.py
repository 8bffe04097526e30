"""What the audit says: where, what, why, how sure, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from webapp.causes import BY_KEY

if TYPE_CHECKING:
    from pathlib import Path

    from webapp.causes import Cause


class Sure(IntEnum):
    """How sure a finding is; the lower, the surer."""

    CERTAIN = 0  # wrong wherever it stands
    LIKELY = 1  # wrong unless something that the source does not show makes it right
    LOOK = 2  # only a human can tell

    @property
    def word(self) -> str:
        """Return its name as it is printed and asked for."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """One place that can hold old data."""

    sure: Sure
    path: Path
    line: int  # from 1
    rule: str  # its id, as `# freshledger: ignore[id]` takes it
    cause: str  # a key of webapp.causes
    why: str  # one sentence about this place
    cure: str = ""  # for this place; else the cause's own
    source: str = ""  # the line itself, without its indentation

    @property
    def about(self) -> Cause:
        """Return the cause that it is a case of."""
        return BY_KEY[self.cause]

    def record(self) -> dict[str, Any]:
        """Return what `--json` prints of it."""
        return {
            "file": str(self.path),
            "line": self.line,
            "rule": self.rule,
            "sure": self.sure.word,
            "cause": self.cause,
            "why": self.why,
            "cure": self.cure or self.about.cure,
            "claims": list(self.about.claims),
            "section": self.about.section,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Unparsed:
    """A file that is no Python that can be read."""

    path: Path
    line: int  # 0: the file as a whole
    reason: str

    def record(self) -> dict[str, Any]:
        """Return what `--json` prints of it."""
        return {"file": str(self.path), "line": self.line, "reason": self.reason}
