"""Filters: what their texts mean, and that SQL means the same as plain Python."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from dal import addresses, contacts, filters, keyset, transactions
from dal.database import Ledger
from dal.errors import BadFilter, NotFound
from dal.fields import BY_KEY, FIELDS
from dal.filters import EVERYTHING, Filter
from dal.kinds import Range
from dal.records import EXACT
from tests.conftest import new_database
from tests.support import books, rows
from tests.support.books import VIENNA, Books, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

NOW = datetime(2024, 3, 31, 22, 30, tzinfo=UTC)  # the first of April in Vienna


@pytest.fixture(scope="module")
def ledger_of_200(server_url: str, template: str) -> Iterator[tuple[Connection, Books]]:
    with new_database(server_url, template) as url, Ledger(url) as ledger, ledger.write() as conn:
        yield conn, Books(conn)


def check(conn: Connection, ledger: Books, asked: list[tuple[str, str]]) -> set[int]:
    """Compare SQL with the oracle in rows, in count and in totals."""
    where = Filter.parse(asked, now=NOW, zone=VIENNA)
    page = transactions.page(conn, where, size=len(ledger.all))
    found = [row.id for row in page.rows]
    meant = {one.id for one in ledger.all if books.matches(one, asked)}
    assert len(found) == len(set(found)), "a row came twice"
    assert set(found) == meant
    assert transactions.totals(conn, where).transactions == len(meant)
    assert page.counted == min(len(meant), page.countable + 1)
    return meant


def test_the_oracle_knows_every_filter() -> None:
    assert books.MEANS.keys() | books.MOVES.keys() == BY_KEY.keys()


@pytest.mark.parametrize("key", BY_KEY)
def test_each_filter(ledger_of_200: tuple[Connection, Books], key: str) -> None:
    conn, ledger = ledger_of_200
    everything = {one.id for one in ledger.all}
    for text in texts(key, ledger):
        found = check(conn, ledger, [(key, text)])
        assert check(conn, ledger, [(f"{key}!", text)]) == everything - found
    several = [(key, text) for text in texts(key, ledger)]
    for count in range(2, len(several) + 1):
        found = check(conn, ledger, several[:count])
        negated = [(f"{key}!", text) for _, text in several[:count]]
        assert check(conn, ledger, negated) == everything - found


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_conjunctions(ledger_of_200: tuple[Connection, Books], data: st.DataObject) -> None:
    conn, ledger = ledger_of_200
    asked = []
    for key in data.draw(st.lists(st.sampled_from(sorted(BY_KEY)), min_size=1, max_size=4)):
        mark = data.draw(st.sampled_from(("", "!")))
        asked.append((key + mark, data.draw(st.sampled_from(texts(key, ledger)))))
    check(conn, ledger, asked)


def test_totals_are_exact(ledger_of_200: tuple[Connection, Books]) -> None:
    conn, ledger = ledger_of_200
    for asked in ([], [("wallet", "kraken")], [("asset", "eth"), ("direction", "in")]):
        where = Filter.parse(asked)
        meant = [m for one in ledger.all if books.matches(one, asked) for m in one.moved]
        sums: dict[str, int] = {}
        for moved in meant:  # in units of the smallest amount, as whole numbers: exact in Python
            sums[moved.symbol] = sums.get(moved.symbol, 0) + int(moved.amount.scaleb(18, EXACT))
        found: dict[str, int] = {}
        for each in transactions.totals(conn, where).sums:
            assert each.net == sum_of(each.received, each.sent, each.fees)
            found[each.symbol] = found.get(each.symbol, 0) + int(each.net.scaleb(18, EXACT))
        assert found == sums


def sum_of(*amounts: Decimal) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


def test_totals_of_nothing(conn: Connection) -> None:
    totals = transactions.totals(conn)
    assert (totals.transactions, totals.sums) == (0, ())


# ── One movement, one name ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("asset=ETH&amount=10..", False),  # ten dollars came, one ether went
        ("asset=ETH&direction=in", False),
        ("asset=ETH&direction=out&amount=1", True),
        ("asset=USD&direction=in&amount=>9", True),
        ("asset=ETH&asset=USD&amount=10&direction=in", True),
        ("asset=GAS", False),  # a fee beside what moved
        ("amount=0.1", False),
        ("direction=out&amount=10", False),
        ("asset=ETH&amount!=1", False),  # a negated condition is about all movements
        ("asset=ETH&amount!=2", True),
    ],
)
def test_conditions_hold_for_one_movement(conn: Connection, asked: str, found: bool) -> None:
    eth, usd, gas = (rows.asset(conn, symbol) for symbol in ("ETH", "USD", "GAS"))
    moved = [(eth, "-1", "principal"), (usd, "10", "principal"), (gas, "-0.1", "fee")]
    rows.transaction(conn, rows.wallet(conn), moved=moved)
    assert bool(transactions.page(conn, Filter.parse(asked)).rows) is found


def test_a_fee_alone_is_what_moved(conn: Connection) -> None:
    eth = rows.asset(conn)
    rows.transaction(conn, rows.wallet(conn), moved=[(eth, "-0.1", "fee")], type="approval")
    for asked, count in {"asset=eth": 1, "amount=0.1": 1, "direction=out": 0}.items():
        assert transactions.page(conn, Filter.parse(asked)).counted == count, asked


def test_a_symbol_names_many_contracts(conn: Connection) -> None:
    wallet_id = rows.wallet(conn)
    for contract in ("0xa", "0xb"):
        usdc = rows.asset(conn, "USDC", network="ethereum", contract=contract)
        rows.transaction(conn, wallet_id, moved=[(usdc, "1", "principal")])
    assert transactions.page(conn, Filter.parse("asset=usdc")).counted == 2


def test_adding_an_address_shows_on_old_rows(conn: Connection) -> None:
    other = "0x" + "a" * 40
    rows.transaction(conn, rows.wallet(conn), network="ethereum", counterparty=other)
    anna = rows.contact(conn, "Anna")
    where = Filter.parse("contact=anna")
    assert transactions.page(conn, where).counted == 0
    contacts.add_address(conn, anna, 1, "eth", other)
    assert transactions.page(conn, where).rows[0].contact == "Anna"


# ── Names ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("key", ["wallet", "asset", "label", "contact", "import"])
@pytest.mark.parametrize("mark", ["", "!"])
def test_unknown_names(conn: Connection, key: str, mark: str) -> None:
    rows.wallet(conn)
    known = {"wallet": "main"}.get(key)
    for asked in ([(key + mark, "987")], [(key + mark, "987"), (key + mark, known or "986")]):
        where = Filter.parse(asked)
        for ask in (transactions.page, transactions.totals, transactions.iterate):
            with pytest.raises(NotFound, match="98") as raised:
                ask(conn, where)
            assert raised.value.kind == key
            assert str(raised.value.name) in {"987", "986"}


@pytest.mark.parametrize(
    "name", ["Ärger", "ΣΊΣΥΦΟΣ", "İstanbul", "straße", "東京", "100%_\\'\"", "a b"]
)
def test_names_of_any_letters(conn: Connection, name: str) -> None:
    wallet_id, asset_id = rows.wallet(conn, name), rows.asset(conn, name)
    label_id, contact_id = rows.label(conn, name), rows.contact(conn, name)
    rows.transaction(
        conn, wallet_id, moved=[(asset_id, "1", "principal")], labels=[label_id],
        contact_id=contact_id,
    )  # fmt: skip
    for key in ("wallet", "asset", "label", "contact", "text"):
        for more in ([], [(key, name)]):
            where = Filter.parse([(key, name), *more])
            assert transactions.page(conn, where).counted == 1, key
    two = Filter.parse([("wallet", name), ("wallet", name.swapcase())])
    try:
        assert transactions.page(conn, two).counted == 1
    except NotFound as error:  # a database of locale C folds ASCII only
        assert error.name == name.swapcase()  # noqa: PT017 (or it folds all)


def test_names_are_composed(conn: Connection) -> None:
    rows.transaction(conn, rows.wallet(conn, "Caf\N{LATIN SMALL LETTER E WITH ACUTE}"))
    where = Filter.parse([("wallet", "Cafe\N{COMBINING ACUTE ACCENT}")])
    assert transactions.page(conn, where).counted == 1


# ── Parsing ──────────────────────────────────────────────────────────────────────────────────


def refused(asked: object, *, key: str, cure: str) -> None:
    with pytest.raises(BadFilter) as raised:
        Filter.parse(asked)  # type: ignore[arg-type]  # wrong on purpose in some tests
    assert raised.value.field == key
    assert cure in raised.value.problem
    assert len(str(raised.value)) < 700


@pytest.mark.parametrize(
    "key", ["", "walet", "Wallet", "wallet!!", "!wallet", "order", "x" * 9_999]
)
def test_unknown_keys(key: str) -> None:
    with pytest.raises(BadFilter, match="there is no such filter; there are wallet, address"):
        Filter.parse([(key, "x")])


AMOUNT_CURE = "write 10, 10..50, 10.., ..50, >10 or <0.5"


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("NaN", AMOUNT_CURE), ("sNaN", AMOUNT_CURE), ("Infinity", AMOUNT_CURE),
        ("-inf", AMOUNT_CURE), ("1,000", AMOUNT_CURE), ("1_000", AMOUNT_CURE),
        ("-5", AMOUNT_CURE), ("+5", AMOUNT_CURE), ("0x10", AMOUNT_CURE), ("1e", AMOUNT_CURE),
        ("1e999999", AMOUNT_CURE), ("ten", AMOUNT_CURE), (".", AMOUNT_CURE), ("1 0", AMOUNT_CURE),
        ("\N{ARABIC-INDIC DIGIT FIVE}", AMOUNT_CURE), ("\N{FULLWIDTH DIGIT FIVE}", AMOUNT_CURE),
        ("=5", AMOUNT_CURE), ("><5", AMOUNT_CURE), ("1..2..3", AMOUNT_CURE),
        ("1e999", "digits"), ("1e-999", "digits"), ("1..1e500", "digits"), ("0e999", "digits"),
        ("9" * 130, "digits"), ("..", "at least one end"), ("2..1", "the smaller one first"),
    ],
)  # fmt: skip
def test_amounts_that_are_none(text: str, cure: str) -> None:
    refused([("amount", text)], key="amount", cure=cure)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("10", Range(Decimal(10), ">=", Decimal(10), "<=")),
        (">=1E-18", Range(Decimal("1E-18"), ">=")),
        ("> .5", Range(Decimal("0.5"), ">")),
        ("<=5.", Range(high=Decimal(5), high_sign="<=")),
        ("1..2", Range(Decimal(1), ">=", Decimal(2), "<=")),
        ("1 .. 1", Range(Decimal(1), ">=", Decimal(1), "<=")),
        ("1..", Range(Decimal(1), ">=")),
        (f"..{2**256 - 1}", Range(high=rows.MOST, high_sign="<=")),
    ],
)
def test_amounts(text: str, meant: Range) -> None:
    assert Filter.parse([("amount", text)]).conditions[0].values == (meant,)


@pytest.mark.parametrize("key", BY_KEY)
@pytest.mark.parametrize(
    ("text", "cure"),
    [("x" * 10_000, "at most 200"), ("a\0b", "type it again"), ("\ud800", "type it again")],
)
def test_what_no_filter_can_have(key: str, text: str, cure: str) -> None:
    refused([(key, text)], key=key, cure=cure)


@pytest.mark.parametrize(
    ("key", "text", "cure"),
    [
        ("type", "gifts", "gift"), ("status", "ok", "confirmed"), ("direction", "up", "in, out"),
        ("has", "nothing", "label, contact, note"), ("network", "etherium", "ethereum"),
        ("network", "etherium", "none"), ("import", "twelve", "as in 12"), ("import", "-1", "12"),
        ("import", "9" * 10, "12"), ("date", "soon", "2024-03-05"), ("address", "a b", "spaces"),
        ("date", "2024-02-30", "calendar"), ("date", "2024-04..2024-03", "the earlier one first"),
    ],
)  # fmt: skip
def test_values_that_a_key_cannot_have(key: str, text: str, cure: str) -> None:
    refused([(key, text)], key=key, cure=cure)


def test_too_many_values() -> None:
    refused([("wallet", str(n)) for n in range(101)], key="wallet", cure="at most 100")


VITALIK = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"


@pytest.mark.parametrize("text", [VITALIK, VITALIK.lower(), "0X" + VITALIK[2:].upper()])
def test_addresses_in_any_right_form(text: str) -> None:
    assert Filter.parse([("address", text)]).conditions[0].values == (VITALIK.lower(),)


def test_an_address_with_a_typo() -> None:
    refused([("address", VITALIK.replace("dA6B", "DA6B"))], key="address", cure="typo")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        ),
        ("bc1MixedIsBase58", "bc1MixedIsBase58"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        ("0xABC", "0xabc"),
    ],
)
def test_addresses_of_other_networks(text: str, meant: str) -> None:
    assert Filter.parse([("address", text)]).conditions[0].values == (meant,)


def test_networks() -> None:
    for name, network in addresses.NETWORKS.items():
        for text in (name, name.upper(), *network.aliases):
            assert Filter.parse([("network", text)]).conditions[0].values == (name,)
    assert Filter.parse("network=None").conditions[0].values == ("",)
    assert set(BY_KEY["network"].choices) == {*addresses.NETWORKS, "none"}


# ── A filter is a value ──────────────────────────────────────────────────────────────────────


def test_one_canonical_order() -> None:
    asked = [("type!", "fee"), ("wallet", "b"), ("asset", "x"), ("wallet", "a"), ("wallet", "a")]
    one, two = Filter.parse(asked), Filter.parse(list(reversed(asked)))
    assert one == two
    assert hash(one) == hash(two)
    assert one.pairs() == [("wallet", "a"), ("wallet", "b"), ("type!", "fee"), ("asset", "x")]
    assert Filter.parse(one.query()) == one == Filter.parse("?" + one.query())


def test_empty_values_ask_for_nothing() -> None:
    assert Filter.parse([("wallet", ""), ("text", "  ")]) == EVERYTHING == Filter.parse("")
    assert EVERYTHING.sentence() == ""
    assert EVERYTHING.clauses() == []


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_the_table_of_fields(field: filters.Field) -> None:
    """Each row teaches by an example that works, in words that end as sentences do."""
    for key in (field.key, f"{field.key}!"):
        where = Filter.parse([(key, field.example)])
        assert Filter.parse(where.query()) == where
        assert where.sentence() == "not " * key.endswith("!") + field.words.format(
            spoken(field.example)
        )
    assert field.help.endswith(".")
    assert field.title
    assert "{}" in field.words
    for choice in field.choices:
        assert Filter.parse([(field.key, choice)]).conditions[0].values


def spoken(text: str) -> str:
    return text if ".." not in text else "from {} up to {}".format(*text.split(".."))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*BY_KEY, *(f"{key}!" for key in BY_KEY)]), st.text())))
def test_any_text_is_a_filter_or_a_bad_one(asked: list[tuple[str, str]]) -> None:
    try:
        where = Filter.parse(asked)
    except BadFilter as error:
        assert error.field in {key.strip("!") for key, _ in asked}  # noqa: PT017 (or it is a filter)
    else:
        assert Filter.parse(where.query()) == where
        hash(where.shape)
        str(transactions.page_statement(where))


def test_relative_dates_are_the_askers() -> None:
    """At half past ten in the evening in London the first of April has begun in Vienna."""
    here, there = (
        Filter.parse("date=day", now=NOW, zone=zone) for zone in (VIENNA, ZoneInfo("UTC"))
    )
    assert [each.conditions[0].values[0] for each in (here, there)] == [
        Range(
            datetime(2024, 3, 31, 22, tzinfo=UTC), ">=", datetime(2024, 4, 1, 22, tzinfo=UTC), "<"
        ),
        Range(datetime(2024, 3, 31, tzinfo=UTC), ">=", datetime(2024, 4, 1, tzinfo=UTC), "<"),
    ]


def test_orders_and_filters_share_no_parameter() -> None:
    where = Filter.parse([(mark_key, BY_KEY[mark_key.strip("!")].example) for key in BY_KEY
                          for mark_key in (key, f"{key}!")])  # fmt: skip
    place = keyset.Cursor(keyset.NEWEST_FIRST, "after", (NOW, 1)).parameters()
    assert not where.parameters().keys() & place.keys()
    assert len(where.parameters()) == sum(len(each.parameters()) for each in where.conditions)
