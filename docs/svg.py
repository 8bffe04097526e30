"""Boxes, arrows and words as SVG: readable in light and dark, and never wider than their place.

A picture is a list of elements, which plain functions return. Colours are classes, so that one
style sheet can tell both themes; each kind is a pair of a ground and the ink upon it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDE = 640
MARGIN = 16
GAP = 14  # between what stands one above the other
SIZE = 17  # of most words; a phone of 390 shows it at nearly ten
HEAD = 21
LEADING = 1.28
PADDING = 10
#: Widths of the characters from space to tilde in hundredths of the size, in DejaVu Sans, which is
#: wider than the other fonts below: what fits in it fits.
WIDTHS = (
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79,
    60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63,
    63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84,
)  # fmt: skip
MONO_WIDTH = 60.3
BOLDER = 1.13  # how much wider bold words are

SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


class Colours(NamedTuple):
    """What a kind of box looks like in one theme."""

    ground: str
    ink: str
    edge: str


#: page: the picture's own ground; plain: what is; old, new: what it is about; ask: a question or a
#: message; quiet: what is said beside.
THEMES: dict[str, dict[str, Colours]] = {
    "light": {
        "page": Colours("#ffffff", "#1b2430", "#c9d1db"),
        "plain": Colours("#f1f4f8", "#1b2430", "#b8c2cf"),
        "old": Colours("#fdecea", "#96201a", "#cf6a62"),
        "new": Colours("#e5f5ea", "#14602f", "#4f9c6c"),
        "ask": Colours("#e8f0fd", "#1a4a94", "#6a93d4"),
        "quiet": Colours("#ffffff", "#566373", "#7d8998"),
    },
    "dark": {
        "page": Colours("#12171e", "#e4e9f0", "#343e4b"),
        "plain": Colours("#202833", "#e4e9f0", "#48556a"),
        "old": Colours("#3c1a1b", "#ffb3ab", "#b55a53"),
        "new": Colours("#14331f", "#9be3b0", "#4c9a66"),
        "ask": Colours("#17294a", "#a9c9ff", "#5580c4"),
        "quiet": Colours("#12171e", "#a3b0c0", "#6f7e95"),
    },
}


class Drawn(NamedTuple):
    """Elements, and where the next ones may begin."""

    elements: list[str]
    bottom: float


def width(words: str, size: float = SIZE, *, mono: bool = False, bold: bool = False) -> float:
    """Return at most how wide words are."""
    each = (MONO_WIDTH if mono or not 0 <= (nr := ord(char) - 32) < len(WIDTHS) else WIDTHS[nr]
            for char in words)  # fmt: skip
    return sum(each) * size / 100 * (BOLDER if bold and not mono else 1)


def fitting(
    words: str, room: float, size: float = SIZE, *, mono: bool = False, bold: bool = False
) -> float:
    """Return how wide words are.

    Raises:
        ValueError: they are wider than their place.
    """
    found = width(words, size, mono=mono, bold=bold)
    if found > room:
        raise ValueError(f"{found:.0f} in a place of {room:.0f}: {words}")
    return found


def text(
    x: float,
    y: float,
    words: str,
    kind: str = "page",
    *,
    size: float = SIZE,
    anchor: str = "start",
    mono: bool = False,
    bold: bool = False,
) -> str:
    """Return words on a base line."""
    classes = f"t {kind}" + " m" * mono + " b" * bold
    at = f'x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}"'
    return f'<text class="{classes}" {at}>{escape(words)}</text>'


def box(
    x: float, y: float, wide: float, lines: Sequence[str], kind: str = "plain", *,
    size: float = SIZE, centred: bool = True, tall: float = 0,
) -> Drawn:  # fmt: skip
    """Return a box with lines in it; one that begins with "`" is code, with "*" is bold.

    Raises:
        ValueError: a line is wider than the box.
    """
    height = max(tall, len(lines) * size * LEADING + 2 * PADDING)
    place = f'x="{x:g}" y="{y:g}" width="{wide:g}" height="{height:g}" rx="8"'
    found = [f'<rect class="r {kind}" {place}/>']
    base = y + (height - len(lines) * size * LEADING) / 2 + size * 1.01
    for nr, line in enumerate(lines):
        mono, bold, words = line.startswith("`"), line.startswith("*"), line.lstrip("`*")
        fitting(words, wide - 1.2 * PADDING, size, mono=mono, bold=bold)
        left, anchor = (x + wide / 2, "middle") if centred else (x + PADDING + 2, "start")
        found.append(text(left, base + nr * size * LEADING, words, kind, size=size,
                          anchor=anchor, mono=mono, bold=bold))  # fmt: skip
    return Drawn(found, y + height)


def line(x: float, y: float, to_x: float, to_y: float, kind: str, *, dashed: bool = False) -> str:
    """Return a line."""
    classes = f"l {kind}" + " d" * dashed
    return f'<line class="{classes}" x1="{x:g}" y1="{y:g}" x2="{to_x:g}" y2="{to_y:g}"/>'


def arrow(x: float, y: float, to_x: float, to_y: float, kind: str) -> list[str]:
    """Return an arrow, straight across or straight down."""
    if x == to_x:
        head = [(to_x, to_y), (to_x - 6, to_y - 10), (to_x + 6, to_y - 10)]
        shaft = line(x, y, to_x, to_y - 8, kind)
    else:
        back = -10 if to_x > x else 10
        head = [(to_x, to_y), (to_x + back, to_y - 6), (to_x + back, to_y + 6)]
        shaft = line(x, y, to_x + back * 0.8, to_y, kind)
    points = " ".join(f"{left:g},{top:g}" for left, top in head)
    return [shaft, f'<polygon class="h {kind}" points="{points}"/>']


@dataclass(frozen=True, slots=True)
class Note:
    """A box on a lane."""

    lane: int
    lines: Sequence[str]
    kind: str = "plain"


@dataclass(frozen=True, slots=True)
class Send:
    """An arrow from one lane to another."""

    lane: int
    to: int
    words: str
    kind: str = "quiet"


Step = Note | Send | tuple[Note | Send, ...]  # what is in one tuple stands side by side


def lanes(y: float, names: Sequence[Sequence[str]], steps: Sequence[Step]) -> Drawn:
    """Return what happens between some who stand side by side; time runs downwards.

    Args:
        y: where it begins.
        names: what stands at the head of each lane; nothing at all where one has no lines.
        steps: notes and arrows.
    """
    wide = (WIDE - 2 * MARGIN - GAP * (len(names) - 1)) / len(names)
    lefts = [MARGIN + nr * (wide + GAP) for nr in range(len(names))]
    found, top = list[str](), y
    for left, lines in zip(lefts, names, strict=True):
        if lines:
            drawn, top = box(left, y, wide, [f"*{lines[0]}", *lines[1:]], "page")
            found += drawn
    begin, y = (top, top + GAP) if any(names) else (y + GAP, y + GAP)
    for step in steps:
        drawn, y = _step(y, step, lefts, wide)
        found += drawn
    middles = [left + wide / 2 for left in lefts]
    ways = [line(middle, begin, middle, y - GAP / 2, "quiet", dashed=True) for middle in middles]
    return Drawn(ways + found, y)


def _step(y: float, step: Step, lefts: Sequence[float], wide: float) -> Drawn:
    each = step if isinstance(step, tuple) else (step,)
    lines = [len(one.lines) for one in each if isinstance(one, Note)]
    tall = max(lines) * SIZE * LEADING + 2 * PADDING if lines else 32
    found: list[str] = []
    for one in each:
        if isinstance(one, Note):
            found += box(lefts[one.lane], y, wide, one.lines, one.kind, tall=tall).elements
        else:
            found += _sent(y + (tall - 32) / 2, one, lefts, wide)
    return Drawn(found, y + tall + GAP)


def _sent(y: float, step: Send, lefts: Sequence[float], wide: float) -> list[str]:
    """Return an arrow with its words above it, between the middles of its lanes."""
    start, end = (lefts[nr] + wide / 2 for nr in (step.lane, step.to))
    middle = (start + end) / 2
    fitting(step.words, abs(start - end) - PADDING)
    label = text(middle, y + 14, step.words, step.kind, anchor="middle")
    return [label, *arrow(start, y + 27, end, y + 27, step.kind)]


def heading(y: float, words: str, beside: str) -> Drawn:
    """Return a headline, and what stands below it."""
    room = WIDE - 2 * MARGIN - 4
    fitting(words, room, HEAD, bold=True)
    fitting(beside, room)
    left = MARGIN + 2
    found = [
        text(left, y + 21, words, size=HEAD, bold=True),
        text(left, y + 47, beside, "quiet"),
    ]
    return Drawn(found, y + 62)


def foot(y: float, lines: Sequence[str]) -> Drawn:
    """Return what follows from it, over the whole width."""
    drawn = box(MARGIN, y, WIDE - 2 * MARGIN, lines, "new")
    return Drawn(drawn.elements, drawn.bottom + MARGIN)


def stacked(*parts: Callable[[float], Drawn]) -> Drawn:
    """Return one part below the other."""
    found, y = list[str](), float(MARGIN)
    for part in parts:
        drawn, y = part(y)
        found += drawn
    return Drawn(found, y)


def figure(title: str, description: str, drawn: Drawn) -> str:
    """Return the file."""
    elements, tall = drawn
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {tall:g}"'
        f' width="{WIDE}" height="{tall:g}" role="img" aria-labelledby="title desc">'
    )
    ground = f'<rect class="r page" x="0.5" y="0.5" width="{WIDE - 1}" height="{tall - 1:g}"'
    return "\n".join(
        (
            head,
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="desc">{escape(description)}</desc>',
            f"<style>{_style()}</style>",
            f'{ground} rx="12"/>',
            *elements,
            "</svg>\n",
        )
    )


def _style() -> str:
    dark = "".join(_rules("dark"))
    return (
        f"\nsvg {{ color-scheme: light dark }}\n.t {{ font-family: {SANS} }}\n"
        f".m {{ font-family: {MONO} }}\n.b {{ font-weight: 600 }}\n"
        ".r { stroke-width: 1.5 }\n.l { stroke-width: 2 }\n.d { stroke-dasharray: 3 6 }\n"
        f"{''.join(_rules('light'))}@media (prefers-color-scheme: dark) {{\n{dark}}}\n"
    )


def _rules(theme: str) -> list[str]:
    return [
        f".r.{kind} {{ fill: {colours.ground}; stroke: {colours.edge} }}\n"
        f".t.{kind} {{ fill: {colours.ink} }}\n"
        f".l.{kind} {{ stroke: {colours.edge} }}\n"
        f".h.{kind} {{ fill: {colours.edge} }}\n"
        for kind, colours in THEMES[theme].items()
    ]
