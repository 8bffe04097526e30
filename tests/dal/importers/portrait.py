"""What a file became, as plain JSON that a human can check line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dal.imported import NewMovement, ParsedRow
    from dal.importers import Source

DULL: tuple[object, ...] = ("", None, (), "confirmed")


def of_file(source: Source, own: frozenset[str]) -> dict[str, Any]:
    return {
        "format": source.format,
        "wallet": source.default_wallet,
        "network": source.network,
        "own address": source.own_address(),
        "dated": source.dated,
        "warnings": list(source.warnings),
        "rows": [of_row(row) for row in source.rows(own)],
    }


def of_row(row: ParsedRow) -> dict[str, Any]:
    if row.transaction is None:
        return {"line": row.line, "outcome": row.outcome, "reason": row.reason}
    found = row.transaction
    texts = {
        "source id": found.source_id,
        "word": found.source_type,
        "status": found.status,
        "network": found.network,
        "hash": found.tx_hash,
        "address": found.address,
        "counterparty": found.counterparty,
        "note": found.note,
        "labels": list(found.labels) or "",
    }
    return {
        "line": row.line,
        "at": found.occurred_at and found.occurred_at.isoformat(),
        "type": found.type,
        **{name: text for name, text in texts.items() if text not in DULL},
        "movements": [of_movement(movement) for movement in found.movements],
    }


def of_movement(movement: NewMovement) -> str:
    asset = movement.asset
    token = f"{asset.symbol}{asset.contract and '@' + asset.contract}"
    chain = f" on {asset.network}" if asset.network else ""
    sides = f" | {movement.address} > {movement.counterparty}" if movement.address else ""
    return f"{movement.kind} {movement.amount:f} {token}{chain} | {movement.key}{sides}"
