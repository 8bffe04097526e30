"""The filter's form: one group per row of `FIELDS`, its inputs holding what was typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dal.filters import FIELDS
from webapp.compilation import escaped, marked
from webapp.template_filters import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from markupsafe import Markup

    from dal.fields import Field
    from webapp.errors import Refusal


@dataclass(frozen=True, slots=True)
class Input:
    """One value of a condition, or the empty place for the next one."""

    name: str
    value: str
    negated: bool
    first: bool  # of its group: the label points to it
    choices: Markup  # of a select, as they are written; empty for a text


@dataclass(frozen=True, slots=True)
class Group:
    """One filter's inputs."""

    key: str
    title: str
    help: str
    example: str
    inputs: tuple[Input, ...]
    problem: str  # "" where nothing is wrong


def groups(
    pairs: Iterable[tuple[str, str]],
    names: Mapping[str, Sequence[str]],
    refusal: Refusal | None = None,
) -> tuple[Group, ...]:
    """Return the form's groups.

    Args:
        pairs: keys and values as typed, wrong ones included.
        names: what exists, for the keys whose values are names of a short list.
        refusal: what is wrong with one of the values.
    """
    typed = list(pairs)
    return tuple(_group(field, typed, names, refusal) for field in FIELDS)


def _group(
    field: Field,
    pairs: list[tuple[str, str]],
    names: Mapping[str, Sequence[str]],
    refusal: Refusal | None,
) -> Group:
    mine = [pair for pair in pairs if pair[0].removesuffix("!") == field.key]
    named = names.get(field.key, ())
    inputs = (
        Input(key, text, key.endswith("!"), number == 0, _choices(field, named, text))
        for number, (key, text) in enumerate([*mine, (field.key, "")])
    )
    wrong = refusal is not None and refusal.field.removesuffix("!") == field.key
    problem = refusal.problem if refusal and wrong else ""
    return Group(field.key, field.title, field.help, field.example, tuple(inputs), problem)


def _choices(field: Field, named: Sequence[str], chosen: str) -> Markup:
    """Return the options of a select, with what was typed among them, so that none loses it."""
    if field.choices and not chosen:
        return CLOSED[field.key]
    options = field.choices or named
    if options and chosen and chosen not in options:
        options = (*options, chosen)
    return _written(field, options, chosen)


def _written(field: Field, options: Iterable[str], chosen: str = "") -> Markup:
    shown = words if field.key == "type" else str
    return marked(
        "".join(
            f'    <option value="{escaped(each)}"{" selected" * (each == chosen)}>'
            f"{escaped(shown(each))}</option>\n"
            for each in options
        )
    )


#: The options of closed lists where none is chosen, which are the same in every form.
CLOSED: Mapping[str, Markup] = {
    field.key: _written(field, field.choices) for field in FIELDS if field.choices
}
