"""The markup of what a list shows hundreds of times: values to filter by, amounts, labels.

It is written here and not in a template because a list has few different values and many cells: a
value's markup is made once for the page that is being made, and goes with it. Every piece that
comes from a row is escaped where it is put in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from dal import addresses
from webapp.compilation import escaped, marked
from webapp.links import quoted
from webapp.template_filters import GLYPHS, amount, words

if TYPE_CHECKING:
    from decimal import Decimal

    from dal.records import Movement, Tag
    from webapp.links import Links


NOTHING = Markup()


class Fragments:
    """Markup for one page of one list, whose filter its links keep."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._prefixes: dict[str, str] = {}
        self._values: dict[tuple[str, str], Markup] = {}

    def type(self, kind: str) -> Markup:
        """Return a type with its glyph."""
        found = self._values.get(("type", kind))
        if found is None:
            glyph = f'<span class="glyph g-{kind}" aria-hidden="true">{GLYPHS[kind]}</span>'
            found = marked(glyph + self._link("type", kind, words(kind)))
            self._values["type", kind] = found
        return found

    def wallet(self, name: str) -> Markup:
        """Return a wallet."""
        return self._values.get(("wallet", name)) or self._kept("wallet", name, hover=name)

    def party(self, contact: str, stored: str, address: str) -> Markup:
        """Return the other side, with its address to copy.

        Args:
            contact: its name; "" where nobody knows it.
            stored: the address as the ledger has it; "" where there is none.
            address: the same, as it is shown.
        """
        if contact:
            found = self._link("contact", contact, contact, "contact", address)
        elif address:
            found = self._link("address", stored, addresses.short(address), "mono", address)
        else:
            return NOTHING
        return marked(found + _copy(address) if address else found)

    def moved(self, movements: list[Movement]) -> Markup:
        """Return amounts, unsigned, each with its asset."""
        if not movements:
            return NOTHING
        return marked("".join(map(self._amount, movements)))

    def _amount(self, each: Movement) -> str:
        asset = self._values.get(("asset", each.symbol)) or self._kept("asset", each.symbol, "sym")
        return f'<span class="amt">{number(each.amount.copy_abs())} {asset}</span>'

    def pills(self, labels: tuple[Tag, ...]) -> Markup:
        """Return labels."""
        return marked("".join(map(self._pill, labels))) if labels else NOTHING

    def _pill(self, label: Tag) -> str:
        found = self._values.get(("label", label.name))
        if found is None:
            kind, more = f"pill c-{label.colour}", f' data-id="{label.id}"'
            found = self._kept("label", label.name, kind, more=more)
        return f"{found} "

    def _kept(
        self, key: str, value: str, kind: str = "", *, hover: str = "", more: str = ""
    ) -> Markup:
        """Make a value's markup, for all of its cells on this page."""
        link = self._link(key, value, value, kind, hover, more=more)
        found = self._values[key, value] = marked(link)
        return found

    def _link(  # noqa: PLR0917 (as the attributes stand)
        self, key: str, value: str, text: str, kind: str = "", hover: str = "", more: str = ""
    ) -> str:
        """Return a value that the list can be narrowed to; a script offers to leave it out, too.

        Args:
            key: of the filter.
            value: as the filter knows it.
            text: as it is shown.
            kind: the class.
            hover: what is said of it on hover.
            more: attributes, as markup.
        """
        prefix = self._prefixes.get(key)
        if prefix is None:
            prefix = self._prefixes[key] = escaped(self._links.prefix(key))
        title = f' title="{escaped(hover)}"' if hover else ""
        return (
            f'<a class="v {kind}" href="{prefix}{quoted(value)}" data-k="{key}"'
            f' data-v="{escaped(value)}"{title}{more}>{escaped(text)}</a>'
        )


def number(value: Decimal) -> str:
    """Return an amount with its exact value on hover and for scripts, as `macros/money.html` does.

    It has nothing to escape: digits, signs and points.
    """
    a = amount(value)
    mark = f'<span class="mk">{a.mark}</span>' if a.mark else ""
    return (
        f'<data class="num" value="{a.exact}" title="{a.exact}"><span class="wh">{a.sign}{a.whole}'
        f'</span><span class="fr">{a.fraction}{mark}</span></data>'
    )


def _copy(address: str) -> str:
    shown = escaped(address)
    return (
        f'<button type="button" class="copy needs-js" data-copy="{shown}" tabindex="-1"'
        f' aria-label="Copy the address" title="Copy {shown}">'
        '<span class="sheets" aria-hidden="true"></span></button>'
    )
