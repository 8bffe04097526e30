"""The list of transactions, and its exact figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from dal.keyset import NEWEST_FIRST, ORDERS, USUAL
from dal.transactions import AHEAD
from webapp.pages.form import Group, groups
from webapp.pages.moved import MovedNote
from webapp.pages.numbers import counted
from webapp.pages.rows import Row, Rows
from webapp.template_filters import Amount, amount, count, network_title, short_address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo
    from decimal import Decimal

    from dal.filters import Condition, Filter
    from dal.records import AssetSum, Tag, Totals
    from dal.transactions import Page
    from webapp.errors import Refusal
    from webapp.links import Links

SIZES = (25, 50, 100, 200)
#: What lies ahead of a page, by its order.
COMING = {"-time": "newer", "time": "older", "-amount": "larger", "amount": "smaller"}
#: How the wallets of the generated sample end.
SAMPLE = "(sample)"
#: What a cell of the list can be narrowed by.
NARROWING = ("wallet", "type", "status", "contact", "address", "asset", "label")


@dataclass(frozen=True, slots=True)
class Asked:
    """One value of a condition, with the ways to change it."""

    words: str  # "of type fee", "not of type fee"
    negated: bool
    without: str
    flipped: str


@dataclass(frozen=True, slots=True)
class Link:
    """A choice among several, one of which is the present one."""

    text: str
    href: str
    value: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Around:
    """The links from a page to its neighbours, and to the same rows otherwise arranged."""

    first: str
    previous: str | None
    next: str | None
    last: str | None
    here: str  # the same page, held at its first row: rows that come ahead of it do not push it
    order: Link
    size: Link
    orders: tuple[Link, ...]
    sizes: tuple[Link, ...]
    turned: Mapping[str, str]  # column → the list by it, the other way round if it is already
    totals: str
    exports: tuple[tuple[str, str], ...]  # name and link of all rows of the filter as a file
    leaving_out: Mapping[str, str]  # key → beginning of the link that leaves a value out
    arranged: tuple[tuple[str, str], ...]  # order and size, for a form to hand on
    hidden: tuple[tuple[str, str], ...]  # the same with the filter

    @classmethod
    def of(cls, links: Links, order: str, size: int, page: Page | None = None) -> Around:
        """Return the links around a page; without one there are no neighbours."""
        orders = tuple(
            Link(each.words, links.ordered(key), key, key == order) for key, each in ORDERS.items()
        )
        sizes = tuple(
            Link(str(each), links.sized(each), str(each), each == size)
            for each in sorted({*SIZES, size})
        )
        columns = ("time", "amount")
        return cls(
            first=links.first,
            previous=links.at(page.previous) if page else None,
            next=links.at(page.next) if page else None,
            last=links.at(page.last) if page and page.has_next else None,
            here=(links.at(page.here) if page else None) or links.first,
            order=next(each for each in orders if each.chosen),
            size=next(each for each in sizes if each.chosen),
            orders=orders,
            sizes=sizes,
            turned={c: links.ordered(c if order == f"-{c}" else f"-{c}") for c in columns},
            totals=links.totals,
            exports=tuple((form.upper(), links.exported(form)) for form in ("csv", "json")),
            leaving_out={key: links.prefix(key, negated=True) for key in NARROWING},
            arranged=tuple(links.arranged),
            hidden=(*links.pairs, *links.arranged),
        )


@dataclass(frozen=True, slots=True)
class TransactionsPage:
    """`transactions/index.html`."""

    section: ClassVar[str] = "transactions"
    title: str
    form: tuple[Group, ...]
    around: Around
    count: str = ""  # "84 transactions", "more than 1,000 transactions"
    count_is_exact: bool = True
    rows: tuple[Row, ...] = ()
    moved: MovedNote | None = None
    ahead: int = 0  # rows that came ahead of the first one shown, if that was asked for
    asked: tuple[Asked, ...] = ()
    labels: tuple[Tag, ...] = ()
    ledger_is_empty: bool = False
    has_sample: bool = False
    refusal: Refusal | None = None  # why there are no rows
    jump: str = ""

    @property
    def newer(self) -> str:
        """Return what came ahead of the first row, in words."""
        more = " or more" * (self.ahead >= AHEAD)
        noun = "transaction" + "s" * (self.ahead != 1)
        return f"{self.ahead}{more} {COMING[self.around.order.value]} {noun}"

    @property
    def said_at_field(self) -> bool:
        """Return whether the form itself says what is wrong."""
        return any(group.problem for group in self.form)

    @classmethod
    def of(cls, found: Page, where: Filter, links: Links, zone: tzinfo) -> TransactionsPage:
        """Return the page of what was found."""
        return cls(
            title=sentence(where),
            count=counted(found.counted, found.countable),
            count_is_exact=found.count_is_exact,
            rows=Rows(links, zone).all(found.rows),
            moved=MovedNote.of(found.moved, zone),
            ahead=found.ahead,
            form=groups(where.pairs(), names(found)),
            asked=tuple(each for one in where.conditions for each in _asked(one, links)),
            around=Around.of(links, found.order.key, found.size, found),
            labels=found.labels,
            ledger_is_empty=not (found.wallets or where.conditions),
            has_sample=any(name.endswith(SAMPLE) for name in found.wallets),
        )

    @classmethod
    def refused(
        cls,
        pairs: Sequence[tuple[str, str]],
        known: Page,
        links: Links,
        refusal: Refusal,
        jump: str,
    ) -> TransactionsPage:
        """Return the page of a filter that cannot be used: the form as typed, and no rows.

        Args:
            pairs: what was typed.
            known: a page of anything, for the names to choose from.
            links: of the whole list.
            refusal: what is wrong.
            jump: the date that was typed.
        """
        form = groups(pairs, names(known), refusal)
        around = Around.of(links, NEWEST_FIRST.key, USUAL)
        return cls(refusal.title, form, around, refusal=refusal, jump=jump)


def sentence(where: Filter) -> str:
    """Return the filter as a heading."""
    return f"Transactions {where.sentence()}" if where.conditions else "All transactions"


def names(page: Page) -> dict[str, list[str]]:
    """Return what can be chosen by name."""
    return {
        "wallet": list(page.wallets),
        "label": [label.name for label in page.labels],
    }


def _asked(condition: Condition, links: Links) -> list[Asked]:
    prefix = "not " * condition.negated
    return [
        Asked(
            words=prefix + condition.field.words.format(text),
            negated=condition.negated,
            without=links.without(condition.key, text),
            flipped=links.flipped(condition.key),
        )
        for text in condition.texts
    ]


@dataclass(frozen=True, slots=True)
class Cell:
    """A value that can be filtered by."""

    key: str
    value: str  # as the filter knows it
    text: str  # as it is shown
    title: str  # on hover
    only: str  # link to the list narrowed to it


@dataclass(frozen=True, slots=True)
class Sum:
    """The figures of one asset."""

    asset: Cell
    origin: str  # "Ethereum 0xdac1…1ec7": symbols alone do not identify
    contract: str
    received: Amount
    sent: Amount
    fees: Amount
    net: Amount


@dataclass(frozen=True, slots=True)
class TotalsPage:
    """`transactions/totals.html`."""

    section: ClassVar[str] = "transactions"
    title: str
    count: str
    sums: tuple[Sum, ...]
    back: str

    @classmethod
    def of(cls, found: Totals, where: Filter, links: Links) -> TotalsPage:
        """Return the page of the figures."""
        return cls(
            title=sentence(where),
            count=count(found.transactions, "transaction"),
            sums=tuple(_sum(each, links) for each in found.sums),
            back=links.first,
        )


def _sum(one: AssetSum, links: Links) -> Sum:
    def shown(value: Decimal) -> Amount:
        return amount(value, signed=True)

    return Sum(
        asset=Cell("asset", one.symbol, one.symbol, "", links.only("asset", one.symbol)),
        origin=f"{network_title(one.network)} {short_address(one.network, one.contract)}".strip(),
        contract=one.contract,
        received=shown(one.received),
        sent=shown(one.sent),
        fees=shown(one.fees),
        net=shown(one.net),
    )
