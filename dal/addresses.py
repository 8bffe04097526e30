"""Addresses: which network they belong to, the form they are stored in, the form they are shown in.

Stored and compared in one canonical form per network: EVM in lower case, base58 exactly as
written, bech32 in lower case. Typed addresses go through `canonical`, which refuses a wrong
checksum; imported ones through `stored`, which keeps what the file says.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from dal.checksums import (
    BECH32_SUM,
    BECH32M_SUM,
    base58,
    base58check,
    bech32,
    keccak256,
    to_bytes,
)
from dal.errors import BadAddress

if TYPE_CHECKING:
    from collections.abc import Callable

XRP_BASE58 = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
EVM = re.compile(r"0[xX][0-9a-fA-F]{40}", re.ASCII)
LONGEST = 120  # a Byron address of Cardano has 104 characters, all else is shorter


@dataclass(frozen=True, slots=True)
class Network:
    """A blockchain, as far as addresses need to know it."""

    name: str
    title: str
    family: str  # which rules its addresses follow
    symbol: str  # of its native coin
    versions: frozenset[int] = frozenset()  # first byte of its base58check addresses
    prefix: str = ""  # of its bech32 addresses; "" where it has none
    aliases: tuple[str, ...] = ()


def _evm(name: str, title: str, symbol: str, *aliases: str) -> Network:
    return Network(name, title, "evm", symbol, aliases=aliases)


NETWORKS: dict[str, Network] = {
    network.name: network
    for network in (
        _evm("ethereum", "Ethereum", "ETH", "eth", "mainnet"),
        _evm("bsc", "BNB Smart Chain", "BNB", "bnb", "binance smart chain"),
        _evm("polygon", "Polygon", "POL", "pol", "matic"),
        _evm("arbitrum", "Arbitrum One", "ETH", "arbitrum one"),
        _evm("optimism", "OP Mainnet", "ETH", "op mainnet"),
        _evm("base", "Base", "ETH"),
        _evm("avalanche", "Avalanche C-Chain", "AVAX", "avax"),
        _evm("fantom", "Fantom", "FTM", "ftm"),
        _evm("gnosis", "Gnosis", "XDAI", "xdai"),
        _evm("mantle", "Mantle", "MNT", "mnt"),
        _evm("dymension", "Dymension", "DYM", "dym"),
        _evm("celo", "Celo", "CELO"),
        _evm("linea", "Linea", "ETH"),
        _evm("zksync", "ZKsync Era", "ETH", "zksync era"),
        _evm("scroll", "Scroll", "ETH"),
        _evm("blast", "Blast", "ETH"),
        _evm("moonbeam", "Moonbeam", "GLMR", "glmr"),
        _evm("moonriver", "Moonriver", "MOVR", "movr"),
        _evm("cronos", "Cronos", "CRO", "cro"),
        _evm("sonic", "Sonic", "S"),
        Network("bitcoin", "Bitcoin", "bitcoin", "BTC", frozenset({0, 5}), "bc", ("btc",)),
        Network("litecoin", "Litecoin", "bitcoin", "LTC", frozenset({48, 50, 5}), "ltc", ("ltc",)),
        Network("dogecoin", "Dogecoin", "bitcoin", "DOGE", frozenset({30, 22}), "", ("doge",)),
        Network("solana", "Solana", "solana", "SOL", aliases=("sol",)),
        Network("tron", "TRON", "tron", "TRX", frozenset({0x41}), aliases=("trx",)),
        Network("xrp", "XRP Ledger", "xrp", "XRP", frozenset({0}), aliases=("xrpl", "ripple")),
        Network("cardano", "Cardano", "cardano", "ADA", prefix="addr", aliases=("ada",)),
    )
}
_NAMES = {
    alias: network.name
    for network in NETWORKS.values()
    for alias in (network.name, network.title.casefold(), *network.aliases)
}


def network_name(text: str) -> str:
    """The name in `NETWORKS` of a network or its alias, in any case.

    Raises:
        BadAddress: there is no such network.
    """
    name = _NAMES.get(text.strip().casefold())
    if name is None:
        raise BadAddress("network", f"“{short(text)}” is not one of {', '.join(NETWORKS)}")
    return name


def canonical(network: str, text: str) -> str:
    """The stored form of a typed address.

    Raises:
        BadAddress: the network cannot have it; says what is wrong and how to cure it.
    """
    chain = NETWORKS[network_name(network)]
    address = text.strip()
    if not address:
        raise _wrong(text, chain, "is empty", "Paste the whole address")
    if len(address) > LONGEST:
        raise _wrong(text, chain, f"has {len(address)} characters", "Paste one address only")
    return _CHECKS[chain.family](chain, address)


def stored(network: str, text: str) -> str:
    """The stored form of an imported address; what is no valid address stays as it is written.

    Args:
        network: a name of `NETWORKS`, or "" where the file does not say.
        text: as it stands in the file.
    """
    address = text.strip()
    if not address:
        return ""
    if EVM.fullmatch(address):
        return address.lower()
    if network not in NETWORKS:
        return address
    try:
        return canonical(network, address)
    except BadAddress:
        return address


def is_valid(network: str, text: str) -> bool:
    """Whether `canonical` accepts it: an imported address that is not valid gets flagged."""
    try:
        canonical(network, text)
    except BadAddress:
        return False
    return True


def guess_networks(text: str) -> tuple[str, ...]:
    """The networks that an address can belong to, in the order of `NETWORKS`."""
    return tuple(name for name in NETWORKS if is_valid(name, text))


def display(network: str, address: str) -> str:
    """The form to show: EIP-55 for EVM networks, all others as stored."""
    chain = NETWORKS.get(network)
    if (chain is None or chain.family == "evm") and EVM.fullmatch(address):
        return eip55(address.lower())
    return address


def short(text: str) -> str:
    """The two ends of a long text.

    >>> short("0x52908400098527886e0f7030069857d2e4169ee7")
    '0x5290…9ee7'
    """
    return text if len(text) <= 13 else f"{text[:6]}…{text[-4:]}"  # noqa: PLR2004


@lru_cache(maxsize=65_536)
def eip55(lower: str) -> str:
    """An EVM address in the mixed case that carries its checksum.

    Args:
        lower: "0x" and 40 hexadecimal digits in lower case.
    """
    digest = keccak256(lower[2:].encode()).hex()
    return "0x" + "".join(
        digit.upper() if mark in "89abcdef" else digit
        for digit, mark in zip(lower[2:], digest, strict=False)
    )


def _check_evm(chain: Network, text: str) -> str:
    if not EVM.fullmatch(text):
        raise _wrong(text, chain, "is not 0x and 40 hexadecimal digits", "Copy it whole")
    digits, lower = text[2:], text.lower()
    if digits not in (digits.lower(), digits.upper()) and eip55(lower)[2:] != digits:
        raise _wrong(
            text, chain, "has a wrong checksum", "Copy it again, or write it in lower case"
        )
    return lower


def _is_witness(chain: Network, text: str) -> bool:
    """Whether it is a segwit address: v0 by BIP-173, v1 and later by BIP-350."""
    found = bech32(text)
    if found is None or found[0] != chain.prefix or not found[1]:
        return False
    version, program = found[1][0], to_bytes(found[1][1:])
    if program is None or version > 16:  # noqa: PLR2004
        return False
    sizes, check = ((20, 32), BECH32_SUM) if version == 0 else (range(2, 41), BECH32M_SUM)
    return len(program) in sizes and found[2] == check


def _check_bitcoin(chain: Network, text: str) -> str:
    if chain.prefix and text.lower().startswith(chain.prefix + "1"):
        if _is_witness(chain, text):
            return text.lower()
    else:
        body = base58check(text)
        if body and len(body) == 21 and body[0] in chain.versions:  # noqa: PLR2004
            return text
    raise _wrong(text, chain, "has a wrong checksum or another network's prefix", "Copy it again")


def _check_solana(chain: Network, text: str) -> str:
    if len(base58(text) or b"") == 32:  # noqa: PLR2004
        return text
    raise _wrong(text, chain, "is not 32 bytes in base58", "Copy it again")


def _check_tron(chain: Network, text: str) -> str:
    body = base58check(text)
    if body and len(body) == 21 and body[0] in chain.versions:  # noqa: PLR2004
        return text
    raise _wrong(text, chain, "has a wrong checksum or no T in front", "Copy it again")


def _check_xrp(chain: Network, text: str) -> str:
    body = base58check(text, XRP_BASE58) or b""
    tagged = len(body) == 31 and body.startswith(b"\x05\x44")  # noqa: PLR2004
    if tagged or (len(body) == 21 and body[0] == 0):  # noqa: PLR2004
        return text
    raise _wrong(text, chain, "has a wrong checksum", "Copy it again")


def _is_byron(text: str) -> bool:
    """Whether it is an address of Cardano's first era: CBOR with its own CRC, in base58."""
    raw = base58(text) or b""
    head = {b"\x82\xd8\x18\x58": 5}.get(raw[:4], 0)
    body, mark, check = raw[head : head + raw[4]] if head else b"", raw[-5:-4], raw[-4:]
    return bool(body) and mark == b"\x1a" and int.from_bytes(check) == zlib.crc32(body)


def _check_cardano(chain: Network, text: str) -> str:
    found = bech32(text)
    if found and found[0] in ("addr", "stake") and found[2] == BECH32_SUM:
        payload = to_bytes(found[1]) or b""
        if len(payload) >= 29 and payload[0] & 15 == 1:  # noqa: PLR2004
            return text.lower()
    if _is_byron(text):
        return text
    raise _wrong(text, chain, "has a wrong checksum or is of a test network", "Copy it again")


def _wrong(text: str, chain: Network, what: str, cure: str) -> BadAddress:
    return BadAddress("address", f"“{short(text)}” {what} ({chain.title}). {cure}.")


_CHECKS: dict[str, Callable[[Network, str], str]] = {
    "evm": _check_evm,
    "bitcoin": _check_bitcoin,
    "solana": _check_solana,
    "tron": _check_tron,
    "xrp": _check_xrp,
    "cardano": _check_cardano,
}
