"""How rows of a chain are booked: sides, fees, failures, keys, whose file it is."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from dal.importers import Source, open_file
from dal.importers.repeats import copies
from dal.records import EXACT

if TYPE_CHECKING:
    from dal.imported import NewTransaction, ParsedRow

ME, ANNA, BOB = (f"0x{letter * 40}" for letter in "abc")
TOKEN, NOBODY = "0x" + "d" * 40, "0x" + "0" * 40
NORMAL = (
    '"Txhash","UnixTimestamp","From","To","ContractAddress","Value_IN({u})","Value_OUT({u})"'
    ',"TxnFee({u})","Status","ErrCode","Method"'
)
INTERNAL = (
    '"Txhash","UnixTimestamp","From","To","ContractAddress","Value_IN(ETH)","Value_OUT(ETH)"'
    ',"Status","ErrCode","Type"'
)
ERC20 = '"Txhash","UnixTimestamp","From","To","TokenValue","ContractAddress","TokenSymbol"'
CONTRACT = '"Txhash","UnixTimestamp","From","To","Quantity"'


def tx(number: int) -> str:
    return f"0x{number:064x}"


def file(header: str, *rows: tuple[object, ...], name: str = "file.csv", **more: str) -> Source:
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    return open_file("\n".join(lines).encode(), name, **more)


def normal(
    number: int = 1,
    sender: str = ME,
    receiver: str = ANNA,
    *,
    into: str = "0",
    out: str = "0",
    fee: str = "0",
    status: str = "",
    error: str = "",
    method: str = "",
    created: str = "",
) -> tuple[object, ...]:
    return (tx(number), 1, sender, receiver, created, into, out, fee, status, error, method)


def one(source: Source, *own: str) -> NewTransaction:
    (row,) = source.rows(frozenset(own))
    assert row.transaction is not None, row.reason
    return row.transaction


def moved(transaction: NewTransaction) -> list[tuple[str, str, Decimal]]:
    return [(m.key, m.kind, m.amount) for m in transaction.movements]


def eth(*rows: tuple[object, ...], **more: str) -> Source:
    return file(NORMAL.format(u="ETH"), *rows, **more)


# ── Sides ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("own", "kind", "keys"),
    [
        ([ME], "send", {"value:out": "-2", "fee": "-0.1"}),
        ([ANNA], "receive", {"value:in": "2"}),
        ([ME, ANNA], "transfer", {"value:out": "-2", "value:in": "2", "fee": "-0.1"}),
        ([], "transfer", {"value:out": "-2", "value:in": "2", "fee": "-0.1"}),
    ],
)
def test_sides_are_relative_to_the_wallet(own: list[str], kind: str, keys: dict[str, str]) -> None:
    found = one(eth(normal(out="2", fee="0.1")), *own)
    assert found.type == kind
    assert {m.key: str(m.amount) for m in found.movements} == keys
    for movement in found.movements:
        assert {movement.address, movement.counterparty} == {ME, ANNA}
        assert movement.address == (ME if movement.amount < 0 else ANNA)
    assert found.address == (ANNA if own == [ANNA] else ME)
    assert found.counterparty == (ME if own == [ANNA] else ANNA)


def test_a_row_of_somebody_else_is_skipped() -> None:
    (row,) = eth(normal(out="2")).rows(frozenset({BOB}))
    assert (row.outcome, row.reason) == (
        "skipped",
        "neither From nor To is an address of this wallet",
    )


def test_own_addresses_are_compared_in_canonical_form() -> None:
    assert one(eth(normal(sender=ME.upper().replace("X", "x"), out="2")), ME).type == "send"


def test_a_row_without_sides_is_rejected() -> None:
    (row,) = eth(normal(sender="", receiver="")).rows(frozenset())
    assert row.outcome == "rejected"


def test_a_created_contract_is_the_other_side() -> None:
    found = one(eth(normal(receiver="", created=BOB, fee="1")), ME)
    assert (found.counterparty, found.type) == (BOB, "contract_call")


def test_a_failed_transaction_costs_its_fee_only() -> None:
    found = one(eth(normal(out="2", fee="0.1", status="Error(0)", error="Reverted")), ME)
    assert (found.status, moved(found)) == ("failed", [("fee", "fee", Decimal("-0.1"))])
    found = one(eth(normal(out="2", fee="0.1", error="Reverted")), ME)
    assert found.status == "failed"


def test_a_failed_call_inside_a_transaction_does_not_fail_it() -> None:
    found = one(eth(normal(out="2", fee="0.1", status="Error(1)", error="Reverted")), ME)
    assert (found.status, len(found.movements)) == ("confirmed", 2)


@pytest.mark.parametrize(
    ("method", "value", "kind"),
    [("Approve", "0", "approval"), ("Set Approval For All", "0", "approval"),
     ("Swap", "0", "contract_call"), ("", "0", "contract_call"), ("Swap", "1", "send"),
     ("-", "1", "send")],
)  # fmt: skip
def test_the_method_hints_at_the_type(method: str, value: str, kind: str) -> None:
    found = one(eth(normal(method=method, out=value)), ME)
    assert (found.type, found.source_type) == (kind, method.replace("-", ""))


def test_tokens_from_and_to_nobody() -> None:
    def transfer(sender: str, receiver: str) -> NewTransaction:
        return one(file(ERC20, (tx(1), 1, sender, receiver, 5, TOKEN, "T")), ME)

    assert transfer(NOBODY, ME).type == "mint"
    assert transfer(ME, NOBODY).type == "burn"
    assert transfer(ME, ANNA).type == "send"


def test_amounts_are_exact() -> None:
    digits = "1234567890123456789012345678901234567890.123456789012345678"
    found = one(eth(normal(out=digits, fee=digits + "1")), ME)
    assert [str(m.amount) for m in found.movements] == ["-" + digits, f"-{digits}1"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (normal(out="much"), "Value_OUT: “much”"),
        (normal(into=""), "Value_IN: “” is not an amount"),
        (normal(out="-1"), "negative"),
        (normal(fee="x"), "TxnFee"),
        ((*normal()[:1], "soon", *normal()[2:]), "UnixTimestamp: “soon”"),
        (("0x12", *normal()[1:]), "Txhash: “0x12” is not a transaction hash"),
        (normal(sender="x" * 500), "too long"),
    ],
)
def test_damaged_cells_are_named(row: tuple[object, ...], reason: str) -> None:
    (found,) = eth(row).rows(frozenset())
    assert found.outcome == "rejected"
    assert reason in found.reason


# ── Networks and tokens ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("unit", "network"),
    [("ETH", "ethereum"), ("BNB", "bsc"), ("MNT", "mantle"), ("DYM", "dymension"),
     ("POL", "polygon"), ("MATIC", "polygon"), ("AVAX", "avalanche"), ("FTM", "fantom"),
     ("xDAI", "gnosis")],
)  # fmt: skip
def test_the_unit_names_the_network(unit: str, network: str) -> None:
    source = file(NORMAL.format(u=unit), normal(out="1"))
    assert (source.network, one(source, ME).network) == (network, network)
    asset = one(source, ME).movements[0].asset
    assert (asset.symbol, asset.network, asset.contract) == (unit.upper(), network, "")
    assert source.warnings == ("".join(source.warnings),) * bool(source.warnings)


def test_the_network_can_be_chosen() -> None:
    source = eth(normal(out="1"), network="base")
    assert (source.network, one(source, ME).movements[0].asset.network) == ("base", "base")


def test_an_unknown_unit_is_warned_of() -> None:
    source = file(NORMAL.format(u="XYZ"), normal(out="1"), normal(2, receiver=BOB))
    assert source.network == "ethereum"
    assert "XYZ" in source.warnings[0]


def test_a_layout_without_unit_is_warned_of_unless_a_network_is_chosen() -> None:
    row = (tx(1), 1, ME, NOBODY, 5, TOKEN, "T")
    assert "does not say its network" in file(ERC20, row).warnings[0]
    assert not file(ERC20, row, network="bsc").warnings


def test_a_token_is_named_by_its_file() -> None:
    row = (tx(1), 1, ME, NOBODY, "5")
    named = file(CONTRACT, row, name=f"export-token-{TOKEN.upper().replace('X', 'x')}.csv")
    assert one(named, ME).movements[0].asset.contract == TOKEN
    assert not any("which token" in warning for warning in named.warnings)
    nameless = file(CONTRACT, row, name="dir/" + "n" * 50 + ".csv")
    asset = one(nameless, ME).movements[0].asset
    assert (asset.contract, asset.symbol) == ("", "n" * 40)
    assert any("which token" in warning for warning in nameless.warnings)


def test_both_exports_of_a_transfer_give_the_same_key() -> None:
    of_address = one(file(ERC20, (tx(1), 1, ME, ANNA, '"1,000.50"', TOKEN, "T")), ME)
    of_contract = one(file(CONTRACT, (tx(1), 1, ME, ANNA, "1000.5"), name=TOKEN + ".csv"), ANNA)
    assert of_address.movements[0].key.removesuffix(":out") == (
        of_contract.movements[0].key.removesuffix(":in")
    )


def test_a_token_needs_its_contract() -> None:
    (row,) = file(ERC20, (tx(1), 1, ME, ANNA, 5, "", "T")).rows(frozenset())
    assert (row.outcome, "ContractAddress" in row.reason) == ("rejected", True)


def test_collectibles_are_no_amounts() -> None:
    with pytest.raises(Exception, match="no known layout"):
        file(ERC20 + ',"TokenId"', (tx(1), 1, ME, ANNA, 1, TOKEN, "T", 77))


# ── Keys ─────────────────────────────────────────────────────────────────────────────────────


def keys(source: Source) -> list[tuple[str | None, str]]:
    rows: list[ParsedRow] = list(source.rows(frozenset({ME})))
    return [(r.transaction.tx_hash, m.key) for r in rows if r.transaction
            for m in r.transaction.movements]  # fmt: skip


def call(number: int, to: str, value: str) -> tuple[object, ...]:
    return (tx(number), 1, ME, to, "", "0", value, "0", "", "call")


def test_equal_transfers_side_by_side_are_both_real() -> None:
    row = (tx(1), 1, ME, ANNA, 5, TOKEN, "T")
    assert len(set(keys(file(ERC20, row, row, row)))) == 3


def test_a_transaction_that_comes_back_adds_nothing() -> None:
    row, other = (tx(1), 1, ME, ANNA, 5, TOKEN, "T"), (tx(2), 1, ME, ANNA, 5, TOKEN, "T")
    assert len(set(keys(file(ERC20, row, row, other, row, row)))) == 3


def test_a_block_that_an_old_export_repeats_adds_nothing() -> None:
    block = [call(1, ANNA, "2"), call(1, BOB, "1"), call(1, ANNA, "3")]
    assert len(set(keys(file(INTERNAL, *block * 4)))) == 3
    assert len(set(keys(file(INTERNAL, *block * 3, *block[:2])))) == 3  # cut at the end of a file
    assert len(set(keys(file(INTERNAL, *block[:1] * 4, *block[1:] * 4)))) == 3  # cut by its paging
    assert len(set(keys(file(INTERNAL, *block * 2, call(2, BOB, "1"), *block * 2)))) == 4


def test_real_repetitions_within_a_repeated_block_stay() -> None:
    block = [call(1, ANNA, "2"), call(1, ANNA, "2"), call(1, BOB, "1")]
    assert len(set(keys(file(INTERNAL, *block * 2)))) == 3


def test_only_old_internal_exports_repeat_blocks() -> None:
    rows = [(tx(1), 1, ME, to, 5, TOKEN, "T") for to in (ANNA, BOB, ANNA, BOB)]
    assert len(set(keys(file(ERC20, *rows)))) == 4


@pytest.mark.parametrize(
    ("items", "starts"),
    [([], []), ([0], []), ([0, 1, 2], []), ([0, 0, 1], []), ([0, 0, 1, 1], []), ([0, 1, 1, 0], []),
     ([0, 1] * 2, [2]), ([0, 0, 0, 1, 2, 1, 2], []), ([0, 0, 1, 2, 1, 2], [1, 4])],
)  # fmt: skip
def test_copies(items: list[int], starts: list[int]) -> None:
    assert copies(items) == starts


def test_a_failed_call_is_skipped() -> None:
    (row,) = file(INTERNAL, (*call(1, ANNA, "2")[:7], "1", "Reverted", "call")).rows(frozenset())
    assert (row.outcome, "failed within" in row.reason) == ("skipped", True)


# ── Whose file it is ─────────────────────────────────────────────────────────────────────────


def test_the_address_of_every_row_is_its_own() -> None:
    assert eth(normal(), normal(2, ANNA, ME), normal(3, BOB, "", created=ME)).own_address() == ME


def test_damaged_rows_do_not_hide_whose_file_it_is() -> None:
    source = eth(normal(), normal(2, BOB, ME), ("0xbad", *normal(3, ANNA, BOB)[1:]), ("x",))
    assert source.own_address() == ME


def test_of_two_the_columns_decide() -> None:
    assert eth(normal(out="1"), normal(2)).own_address() == ME
    assert eth(normal(into="1"), normal(2)).own_address() == ANNA
    assert eth(normal(), normal(2)).own_address() is None


def test_of_two_the_name_decides_where_the_columns_do_not() -> None:
    assert eth(normal(), name=f"export-{ANNA}.csv").own_address() == ANNA


def test_nobody_owns_nothing() -> None:
    assert file(ERC20, (tx(1), 1, ME, NOBODY, 5, TOKEN, "T")).own_address() == ME


def test_a_watched_file_is_warned_of_and_nets_to_nothing() -> None:
    source = eth(normal(out="1"), normal(2, ANNA, BOB, out="0.3"), normal(3, BOB, ME, out="7"))
    assert source.own_address() is None
    assert "whose it is" in source.warnings[-1]
    total = Decimal(0)
    for row in source.rows(frozenset()):
        assert row.transaction is not None
        for movement in row.transaction.movements:
            total = EXACT.add(total, movement.amount)
    assert total == 0
