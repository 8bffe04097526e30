"""The pictures are those of the script; their words fit, and can be read in light and dark."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[1]
PICTURES = sorted((ROOT / "docs/diagnosis").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
PHONE = 390 - 32  # what a phone's page leaves to a picture
SMALLEST = 9.0  # pixels of a word's height on a phone
READABLE, VISIBLE = 4.5, 3.0  # contrast of words, and of lines
#: Every word with its place and ink, and the grounds, lines and heads with their colours.
SEEN = """() => {
  const place = each => ["x", "y", "width", "height"].map(side => each.getBBox()[side]);
  const colour = (each, what) =>
    getComputedStyle(each)[what].match(/[0-9]+/g).slice(0, 3).map(Number);
  const all = (name, what) => [...document.querySelectorAll(name)].map(
    each => ({words: each.textContent, place: place(each), colour: colour(each, what)}));
  return {words: all("text", "fill"), grounds: all("rect", "fill"), lines: all("line", "stroke"),
          heads: all("polygon", "fill")};
}"""


class Box(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    wide: float
    tall: float

    def holds(self, other: Box) -> bool:
        """Return whether the other one lies within."""
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.x + other.wide <= self.x + self.wide
            and other.y + other.tall <= self.y + self.tall
        )

    def meets(self, other: Box) -> bool:
        """Return whether they overlap."""
        return (
            self.x < other.x + other.wide
            and other.x < self.x + self.wide
            and self.y < other.y + other.tall
            and other.y < self.y + self.tall
        )


class Shape(NamedTuple):
    """Something that is seen."""

    words: str
    box: Box
    colour: tuple[int, int, int]

    @property
    def light(self) -> float:
        """Return its relative luminance, as WCAG has it."""
        parts = (each / 255 for each in self.colour)
        red, green, blue = (
            each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(self, ground: Shape) -> float:
        """Return its contrast with what lies under it."""
        dark, bright = sorted((self.light, ground.light))
        return (bright + 0.05) / (dark + 0.05)


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """Yield a page in one theme."""
    context = browser.new_context(color_scheme=request.param)
    yield context.new_page()
    context.close()


def seen(page: Page, picture: Path) -> dict[str, list[Shape]]:
    """Return what Chromium draws of a picture."""
    page.goto(picture.as_uri())
    return {
        kind: [Shape(one["words"], Box(*one["place"]), tuple(one["colour"])) for one in shapes]
        for kind, shapes in page.evaluate(SEEN).items()
    }


def under(shape: Shape, grounds: list[Shape]) -> Shape:
    """Return the smallest ground that has the middle of a shape."""
    x, y = shape.box.x + shape.box.wide / 2, shape.box.y + shape.box.tall / 2
    having = [each for each in grounds if each.box.holds(Box(x, y, 0, 0))]
    return min(having, key=lambda each: each.box.wide * each.box.tall)


def test_the_pictures_are_what_the_script_draws() -> None:
    command = [sys.executable, "docs/drawings.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(PICTURES) == 4


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.stem)
def test_a_picture_says_what_it_shows_and_is_large_enough_on_a_phone(picture: Path) -> None:
    root = ET.parse(picture).getroot()
    title, description = (root.findtext(f"{SVG}{name}") for name in ("title", "desc"))
    assert title
    assert description
    assert len(description) > len(title)
    assert root.get("aria-labelledby") == "title desc"
    wide = float(root.attrib["viewBox"].split()[2])
    sizes = [float(each.attrib["font-size"]) for each in root.iter(f"{SVG}text")]
    assert min(sizes) * PHONE / wide > SMALLEST


@pytest.mark.browser
@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.stem)
def test_words_stand_in_their_boxes_and_apart(picture: Path, page: Page) -> None:
    shapes = seen(page, picture)
    for word in shapes["words"]:
        assert under(word, shapes["grounds"]).box.holds(word.box), word.words
    for one, other in combinations(shapes["words"], 2):
        assert not one.box.meets(other.box), (one.words, other.words)
    for word in shapes["words"]:
        for line in shapes["lines"]:
            crossed = line.box.meets(word.box) and under(word, shapes["grounds"]).box.wide > 600
            assert not crossed, word.words


@pytest.mark.browser
@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.stem)
def test_words_and_lines_can_be_seen(picture: Path, page: Page) -> None:
    shapes = seen(page, picture)
    for word in shapes["words"]:
        assert word.contrast(under(word, shapes["grounds"])) >= READABLE, word.words
    ground = shapes["grounds"][0]
    for line in (*shapes["lines"], *shapes["heads"]):
        assert line.contrast(ground) >= VISIBLE
