"""Templates compiled our way write what Jinja's own would: the same text, the same escapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jinja2
import pytest
from flask import Flask, render_template_string
from hypothesis import given, strategies as st
from markupsafe import Markup

from webapp import compilation
from webapp.compilation import Pages

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = """
{% macro cell(one) %}<td title="{{ one.text }}">{{ one.text }}{{ one.number }}</td>{% endmacro %}
{% for one in ones %}{% set text = one.text %}
{{ cell(one) }}{{ text }}{{ one.markup }}{{ one.text | upper }}{{ one.items[0] }}{{ loop.index }}
{{- one.text ~ "<i>" }}{{ "<i>" | safe }}{{ one.nothing }}{{ one.text if one.number else "&" }}
{% endfor %}
"""
JINJA = jinja2.Environment(autoescape=True).from_string(SOURCE)


@dataclass(frozen=True, slots=True)
class One:
    text: str
    number: int
    markup: Markup
    items: tuple[Any, ...]
    nothing: None = None


@pytest.fixture(scope="module")
def ours() -> jinja2.Template:
    app = Flask(__name__)
    compilation.install(app)
    return app.jinja_env.from_string(SOURCE)


TEXT = st.text() | st.sampled_from(["<script>", "\"'&<>", "&amp;", "\0", "\u2028"])
ONES = st.builds(
    One,
    TEXT,
    st.integers(),
    TEXT.map(Markup),
    st.tuples(TEXT | st.booleans() | st.none() | st.decimals() | st.binary() | st.floats()),
)


@given(st.lists(ONES, max_size=3))
def test_it_writes_what_jinja_writes(ours: jinja2.Template, ones: list[One]) -> None:
    assert ours.render(ones=ones) == JINJA.render(ones=ones)


class Word(str):
    """A subclass of text that says of itself how it stands in a page."""

    __slots__ = ()

    def __html__(self) -> str:
        return f"<b>{Markup.escape(str(self))}</b>"


@pytest.mark.parametrize("value", [Word("<"), True, 1.5, None, b"<", jinja2.Undefined()])
def test_what_is_no_plain_text_is_written_as_ever(value: Any) -> None:
    plain = jinja2.Environment(autoescape=True).from_string("{{ value }}")
    app = Flask(__name__)
    compilation.install(app)
    assert app.jinja_env.from_string("{{ value }}").render(value=value) == plain.render(value=value)


@pytest.fixture
def app() -> Iterator[Flask]:
    found = Flask(__name__)
    compilation.install(found)
    with found.app_context():
        yield found


def test_a_page_object_must_have_what_its_template_names(app: Flask) -> None:
    assert isinstance(app.jinja_env, Pages)
    with pytest.raises(AttributeError):
        render_template_string("{{ one.txet }}", one=One("", 0, Markup(), ()))


def test_a_keyword_can_be_an_attribute(app: Flask) -> None:
    assert app.jinja_env.from_string("{{ it.class }}").render(it={"class": "<a>"}) == "&lt;a&gt;"


def test_where_nothing_is_escaped_nothing_is(app: Flask) -> None:
    source = "{% autoescape false %}{{ it }}{% endautoescape %}{{ it }}"
    assert app.jinja_env.from_string(source).render(it="<") == "<&lt;"
