"""Who the sample's story is about: wallets, networks, people to pay. None of it is anybody's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

BEGIN, END = datetime(2022, 1, 3, tzinfo=UTC), datetime(2026, 10, 31, tzinfo=UTC)
EVM = ("ethereum", "arbitrum", "base", "polygon")
USDC = {
    "ethereum": "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
    "arbitrum": "0xaf88d065e77c8cc2239327c5edb3a432268e5831",
    "base": "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913",
    "polygon": "0x3c499c542cef5e3811e1192ce70d8cc03d5c3359",
}
NATIVE = {"ethereum": "ETH", "arbitrum": "ETH", "base": "ETH", "polygon": "POL"}
#: Price of one unit in US dollars at the start, and its drift per year: good enough to look real.
PRICES = {
    "BTC": (Decimal(42_000), Decimal("0.16")),
    "ETH": (Decimal(3_100), Decimal("0.02")),
    "POL": (Decimal("1.1"), Decimal("-0.15")),
}
LABELS = {
    "rent": "indigo",
    "groceries": "green",
    "coffee": "orange",
    "subscription": "purple",
    "savings": "teal",
    "salary": "blue",
    "staking": "yellow",
    "refund": "pink",
    "check this": "red",
}


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody to pay: a contact with an address of each of its networks."""

    name: str
    networks: tuple[str, ...]
    label: str = ""
    notes: tuple[str, ...] = ("",)


PARTIES = (
    Party("Casa Lindner", ("arbitrum",), "rent", ("Rent, flat 4", "Rent and heating")),
    Party(
        "Corner Bakery", ("base", "polygon"), "coffee", ("", "", "Two flat whites", "Croissants")
    ),
    Party("Green Market", ("base", "polygon"), "groceries", ("", "", "Weekly shop")),
    Party("Mara Okafor", EVM, "", ("Dinner, my half", "Concert tickets", "Thanks for the help!")),
    Party("Jonas Berg", ("ethereum", "base"), "", ("Bike repair", "Loan paid back")),
    Party("Nimbus Hosting", ("polygon",), "subscription", ("Servers, monthly",)),
    Party("Fern & Fable Books", ("base",), "", ("Book club",)),
    Party("Kite Swap", EVM),
    Party("Harbor Bridge", EVM),
)
FRIENDS = ("Mara Okafor", "Jonas Berg", "Fern & Fable Books")
WALLETS = ("Everyday", "Cold storage", "Vault", "Solana", "Exchange")
#: Seen in the ledger, known by nobody: what naming a counterparty is for.
STRANGERS = 14


def address(name: str) -> str:
    """Return the EVM address of a name, the same every time."""
    return "0x" + hashlib.sha256(f"freshledger sample {name}".encode()).hexdigest()[:40]


def base58(raw: bytes) -> str:
    """Return bytes in base58, as Bitcoin and Solana write them."""
    letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, text = int.from_bytes(raw), ""
    while number:
        number, digit = divmod(number, 58)
        text = letters[digit] + text
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + text
