from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dal.importers import open_file
from dal.records import EXACT

if TYPE_CHECKING:
    from dal.imported import NewTransaction, ParsedRow

ME, ANNA = "0x" + "a" * 40, "0x" + "b" * 40
LATE = {"block_timestamp": 1, "gas_price": 1}
TOKEN = "0x" + "d" * 40


def lines(*objects: dict[str, object]) -> list[ParsedRow]:
    plain = {"hash": "0x" + "1" * 64, "from_address": ME, "to_address": ANNA, "value": 0,
             "gas_price": 1, "block_timestamp": 1446561880}  # fmt: skip
    data = "\n".join(json.dumps(plain | one) for one in objects)
    return list(open_file(data.encode(), "file.json", network="eth").rows(frozenset({ME})))


def only(**cells: object) -> NewTransaction:
    (row,) = lines(cells)
    assert row.transaction is not None, row.reason
    return row.transaction


def amounts(found: NewTransaction) -> list[str]:
    return [f"{m.kind} {m.amount:f}" for m in found.movements]


def test_value_is_exact_beyond_28_digits() -> None:
    digits = "1234567890123456789012345678901234567890"
    assert amounts(only(value=int(digits))) == [f"principal -{digits[:-18]}.{digits[-18:]}"]


def test_fee_is_what_the_receipt_says() -> None:
    receipt = {"receipt_gas_used": 3, "gas_price": 10**18}
    assert amounts(only(**receipt)) == ["fee -3.000000000000000000"]
    receipt["receipt_effective_gas_price"] = 2 * 10**18
    assert amounts(only(**receipt)) == ["fee -6.000000000000000000"]
    receipt["receipt_l1_fee"] = 1
    assert amounts(only(**receipt)) == ["fee -6.000000000000000001"]
    assert amounts(only(gas_price=10**18)) == []


def test_fee_is_exact_beyond_28_digits() -> None:
    (text,) = amounts(only(receipt_gas_used=10**30 + 1, receipt_effective_gas_price=10**18 + 1))
    whole = EXACT.multiply(EXACT.create_decimal(10**30 + 1), EXACT.create_decimal(10**18 + 1))
    assert text == f"fee -{whole.scaleb(-18, EXACT):f}"


@pytest.mark.parametrize("value", ["1.5", "-1", "NaN", "0x10", "", None, [1], True])
def test_value_that_is_no_whole_number_is_rejected(value: object) -> None:
    (row,) = lines({"value": value})
    assert row.outcome == "rejected"
    assert row.reason.startswith("value")


def test_failed_transactions_and_calls() -> None:
    failed = only(value=10**18, receipt_status=0)
    assert (failed.status, failed.movements) == ("failed", ())
    assert only(input="0x095ea7b3" + "0" * 128).type == "approval"
    assert only(input="0xa9059cbb" + "0" * 128).type == "contract_call"
    assert only(input="0xa9059cbb" + "0" * 128).source_type == "0xa9059cbb"
    assert only(input="0x", value=1).type == "send"
    assert only(input="0x60606040", to_address=None, receipt_contract_address=ANNA).address == ME


def test_a_damaged_line_stops_no_other() -> None:
    first = json.dumps(dict.fromkeys(("hash", "from_address", "to_address", "value"), "") | LATE)
    data = f"{first}\n{{\n\n[]\n3"
    rows = list(open_file(data.encode(), "file.json").rows(frozenset()))
    assert [(row.line, row.outcome) for row in rows] == [
        (1, "rejected"), (2, "rejected"), (4, "rejected"), (5, "rejected"),
    ]  # fmt: skip


def test_base_units_never_mix_with_whole_tokens() -> None:
    header = "token_address,from_address,to_address,value,transaction_hash,log_index,block_number"
    row = f"{TOKEN},{ME},{ANNA},1500000,0x{'1' * 64},0,1"
    source = open_file(f"{header}\n{row}\n{row}\n".encode(), "file.csv")
    found = [one.transaction for one in source.rows(frozenset({ME})) if one.transaction]
    asset = found[0].movements[0].asset
    assert (asset.contract, asset.symbol, asset.decimals) == ("", "0xdddd…dddd units", None)
    assert (source.dated, found[0].occurred_at) == (False, None)
    assert len({m.key for one in found for m in one.movements}) == 2
    assert any("base units" in warning for warning in source.warnings)
