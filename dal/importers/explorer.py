"""What an explorer's file says of its network, its coin and its token: in header and name only."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Final

from dal.addresses import NETWORKS, short
from dal.imported import NewAsset
from dal.importers.formats import File, Setting

UNIT: Final = re.compile(r"value_(?:in|out)\(\s*([^)\s]{1,20})\s*\)", re.IGNORECASE)
CONTRACT: Final = re.compile(r"0x[0-9a-f]{40}", re.IGNORECASE)
NATIVE: Final = {chain.symbol: name for name, chain in reversed(NETWORKS.items())} | {
    "MATIC": "polygon"
}
UNKNOWN_COIN: Final = (
    "No network is known for the coin {}: taken as ethereum. Choose another when importing."
)
UNSAID: Final = (
    "The file does not say its network: taken as ethereum. Choose another when importing."
)
NAMELESS: Final = (
    "The file does not say which token it tells of: named “{}”. Name the file"
    " export-token-0x….csv, with the contract's address, and import again."
)


def unit(file: File) -> str:
    """The coin in the header of the values, "" where the layout has none."""
    found = (UNIT.fullmatch(name.strip()) for name in file.sheet.header)
    return next((match[1].upper() for match in found if match), "")


def network_by_unit(file: File) -> Setting:
    """The network whose coin stands in the header, unless one was chosen."""
    symbol = unit(file)
    network = file.network or NATIVE.get(symbol, "")
    if network:
        return Setting(network)
    return Setting("ethereum", (UNKNOWN_COIN.format(symbol),))


def network_unsaid(file: File) -> Setting:
    """The network that was chosen, else Ethereum: the layout has no unit."""
    return Setting(file.network) if file.network else Setting("ethereum", (UNSAID,))


def network_and_token(file: File) -> Setting:
    """As `network_unsaid`; the token, too, stands at best in the file's name."""
    network, warnings = network_unsaid(file)
    asset = contract_asset(file.on(network))
    if not asset.contract:
        warnings += (NAMELESS.format(asset.symbol),)
    return Setting(network, warnings)


def contract_asset(file: File) -> NewAsset:
    """The token of a file that has no column for it, by the file's name."""
    found = CONTRACT.search(file.name)
    if found:
        contract = found[0].lower()
        return NewAsset(short(contract), file.network, contract)
    stem = "".join(letter for letter in PurePath(file.name).stem if letter.isprintable()).strip()
    return NewAsset(stem[:40] or "token", file.network)
