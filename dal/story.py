"""The story that the sample ledger tells: five years of one person's wallets, from a fixed seed.

Rows of the generic CSV layout, as exports would hold them. No address in it belongs to anybody.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

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

Row = dict[str, str]


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
THURSDAY, DECEMBER = 3, 12
#: Seen in the ledger, known by nobody: what naming a counterparty is for.
STRANGERS = 14


class Story:
    """Five years of one person's wallets, drawn from a seed."""

    def __init__(self, seed: int = 20) -> None:
        self.random = Random(seed)  # noqa: S311 (a story, not a secret)
        self.rows: dict[str, list[Row]] = {name: [] for name in WALLETS}
        self.own = {network: self.address("evm:everyday") for network in EVM}
        self.cold = self.address("evm:cold")
        self.vault = self.bitcoin_address()
        self.solana = base58(self.random.randbytes(32))
        self.reach = {
            party.name: {network: self.address(party.name) for network in party.networks}
            for party in PARTIES
        }
        self.held: dict[tuple[str, str], Decimal] = {}
        self.strangers = [self.address(f"stranger {number}") for number in range(STRANGERS)]
        day = BEGIN
        while day < END:
            self.live(day)
            day += timedelta(days=1)

    def addresses(self, wallet: str) -> list[tuple[str, str]]:
        """Return network and address of all that a wallet owns."""
        owned = {
            "Everyday": list(self.own.items()),
            "Cold storage": [("ethereum", self.cold)],
            "Vault": [("bitcoin", self.vault)],
            "Solana": [("solana", self.solana)],
        }
        return owned.get(wallet, [])

    # ── What happens on a day ────────────────────────────────────────────────────────────────

    def live(self, day: datetime) -> None:
        """Add what happened on one day."""
        if day.day == 1:
            self.month(day)
        if day.weekday() == 0:
            self.buy(day, "BTC", 60)
        if day.weekday() == THURSDAY:
            self.buy(day, "ETH", 40)
        if self.chance(300):
            self.pay(day, "Corner Bakery", self.between(3, 14))
        if self.chance(220):
            self.pay(day, "Green Market", self.between(18, 95))
        if self.chance(50):
            self.pay(day, self.random.choice(FRIENDS), Decimal(32))
        if self.chance(90):
            self.swap(day)
        if self.chance(50):
            self.arrive(day)
        if day.toordinal() % 3 == 0:
            self.stake(day)

    def month(self, day: datetime) -> None:
        """Add what comes with the first of a month."""
        self.exchange(day, "deposit", received=(Decimal("2480.00"), "EUR"), labels="salary",
                      note=f"Salary {day:%B}")  # fmt: skip
        self.withdraw_dollars(day, "arbitrum", Decimal(1350))
        self.withdraw_dollars(
            day, ("base", "polygon", "base", "ethereum")[day.month % 4], Decimal(620)
        )
        self.pay(day + timedelta(days=1), "Casa Lindner", Decimal(1180))
        self.pay(day + timedelta(days=2), "Nimbus Hosting", Decimal(24))
        self.withdraw_ether(day + timedelta(days=5))
        self.store(day + timedelta(days=9))
        if day.month % 3 == 1:
            self.withdraw_bitcoin(day + timedelta(days=3))
        if day.month == DECEMBER:
            self.pay(
                day + timedelta(days=17), "Mara Okafor", Decimal(150), "gift", "Happy birthday"
            )

    def pay(
        self, day: datetime, party: str, dollars: Decimal, kind: str = "payment", note: str = ""
    ) -> None:
        """Pay somebody in dollars where there are most; now and then it fails, or comes back."""
        who = next(each for each in PARTIES if each.name == party)
        network = max(who.networks, key=lambda each: self.holding(each, "USDC"))
        amount = self.exact(dollars, 2)
        if self.holding(network, "USDC") < amount:
            return
        row = self.on_chain(day, network, self.reach[party][network])
        row |= {"Type": kind, "Note": note or self.random.choice(who.notes), "Labels": who.label}
        if self.chance(20):
            self.rows["Everyday"].append(row | {"Status": "failed", "Note": "Failed, paid later"})
            return
        self.rows["Everyday"].append(row | self.sent(amount, f"USDC@{USDC[network]}", network))
        if self.chance(12):
            back = self.unpaid(
                self.on_chain(day + timedelta(days=4), network, self.reach[party][network])
            )
            back |= self.received(amount, f"USDC@{USDC[network]}", network)
            back |= {"Labels": "refund", "Type": "receive", "Note": "Refund"}
            self.rows["Everyday"].append(back)

    def swap(self, day: datetime) -> None:
        """Trade on chain, with an approval before it now and then."""
        network = self.random.choice(EVM)
        coin, dollars = NATIVE[network], self.between(20, 240)
        usdc = (self.exact(dollars, 6), f"USDC@{USDC[network]}")
        other = (self.exact(dollars / self.price(coin, day), 18), coin)
        out, into = (usdc, other) if self.chance(600) else (other, usdc)
        if self.holding(network, out[1].partition("@")[0]) < out[0]:
            return
        dex = self.reach["Kite Swap"][network]
        if self.chance(300):
            self.rows["Everyday"].append(self.on_chain(day, network, dex) | {"Type": "approval"})
        row = self.on_chain(day, network, dex)
        row |= self.sent(*out, network) | self.received(*into, network)
        self.rows["Everyday"].append(row | {"Type": "trade"})

    def arrive(self, day: datetime) -> None:
        """Receive from a stranger: money, an airdrop, or spam."""
        network = self.random.choice(EVM)
        row = self.unpaid(self.on_chain(day, network, self.random.choice(self.strangers)))
        kind = self.random.choice(("receive", "airdrop", "spam", "mint"))
        if kind == "spam":
            amount = Decimal(self.random.randrange(1, 9) * 10**6)
            row |= self.received(amount, f"CLAIM-REWARDS@{self.address('spam')}")
            row |= {"Labels": "check this", "Type": "airdrop"}
        elif kind == "receive":
            row |= self.received(self.exact(Decimal("0.08"), 18), NATIVE[network], network)
        else:
            token = f"{'KITE' if kind == 'airdrop' else 'FERN'}@{self.address(kind)}"
            row |= self.received(self.exact(self.between(1, 300), 18), token) | {"Type": kind}
        self.rows["Everyday"].append(row)

    def stake(self, day: datetime) -> None:
        """Earn on Solana."""
        amount = self.exact(Decimal("0.0065"), 9)
        row = self.at(day, "solana", base58(self.random.randbytes(64)), self.solana, "")
        row |= self.received(amount, "SOL") | {"Type": "reward", "Labels": "staking"}
        self.rows["Solana"].append(row)

    def store(self, day: datetime) -> None:
        """Move what the everyday wallet need not have into cold storage: both sides are seen."""
        spare = self.holding("ethereum", "ETH") - Decimal("0.12")
        if spare <= 0:
            return
        amount = self.exact(spare * Decimal("0.8"), 6)
        row = self.on_chain(day, "ethereum", self.cold)
        there = {name: cell for name, cell in row.items() if not name.startswith("Fee")}
        there |= {"Address": self.cold, "Counterparty": self.own["ethereum"]}
        self.rows["Cold storage"].append(
            there | {"Received Amount": str(amount), "Received Asset": "ETH", "Type": "receive"}
        )
        row |= self.sent(amount, "ETH", "ethereum") | {"Type": "send", "Labels": "savings"}
        self.rows["Everyday"].append(row)

    # ── The exchange ─────────────────────────────────────────────────────────────────────────

    def buy(self, day: datetime, coin: str, euros: int) -> None:
        """Buy a coin for euros, week by week."""
        amount = self.exact(euros / self.price(coin, day), 8)
        paid, fee = Decimal(euros), Decimal(euros) * Decimal("0.0026")
        self.exchange(day, "trade", sent=(paid, "EUR"), received=(amount, coin), fee=(fee, "EUR"),
                      labels="savings")  # fmt: skip

    def withdraw_dollars(self, day: datetime, network: str, dollars: Decimal) -> None:
        """Turn euros into dollars and send them to the everyday wallet."""
        euros = (dollars * Decimal("0.93")).quantize(Decimal("0.01"))
        self.exchange(day, "trade", sent=(euros, "EUR"), received=(dollars + 3, "USDC"),
                      fee=(self.exact(Decimal("2.4"), 4), "EUR"))  # fmt: skip
        self.exchange(day, "withdrawal", sent=(dollars, "USDC"), fee=(Decimal("2.5"), "USDC"))
        row = self.unpaid(self.on_chain(day, network, self.reach["Harbor Bridge"][network]))
        row |= self.received(dollars, f"USDC@{USDC[network]}", network)
        self.rows["Everyday"].append(row | {"Type": "receive", "Note": "From the exchange"})
        gas = self.unpaid(self.on_chain(day, network, self.reach["Harbor Bridge"][network]))
        gas |= self.received(self.exact(Decimal("0.012"), 6), NATIVE[network], network)
        self.rows["Everyday"].append(gas | {"Type": "receive", "Note": "For fees"})

    def withdraw_ether(self, day: datetime) -> None:
        """Send the month's ether to the everyday wallet."""
        amount = self.exact(Decimal("0.042"), 8)
        self.exchange(day, "withdrawal", sent=(amount, "ETH"), fee=(Decimal("0.0016"), "ETH"))
        bridge = self.reach["Harbor Bridge"]["ethereum"]
        row = self.unpaid(self.on_chain(day, "ethereum", bridge))
        row |= self.received(amount, "ETH", "ethereum") | {"Type": "receive"}
        self.rows["Everyday"].append(row)

    def withdraw_bitcoin(self, day: datetime) -> None:
        """Put the quarter's bitcoin into the vault."""
        amount = self.exact(Decimal("0.009"), 8)
        self.exchange(day, "withdrawal", sent=(amount, "BTC"), fee=(Decimal("0.0002"), "BTC"))
        tx_hash = self.random.randbytes(32).hex()
        row = self.at(day + timedelta(minutes=31), "bitcoin", tx_hash, self.vault,
                      self.bitcoin_address())  # fmt: skip
        row |= self.received(amount, "BTC") | {"Type": "receive", "Labels": "savings"}
        self.rows["Vault"].append(row)

    def exchange(  # one keyword for each side of a booking
        self,
        day: datetime,
        kind: str,
        *,
        sent: tuple[Decimal, str] | None = None,
        received: tuple[Decimal, str] | None = None,
        fee: tuple[Decimal, str] | None = None,
        labels: str = "",
        note: str = "",
    ) -> None:
        """Add a booking of the exchange, which knows it by an id of its own."""
        row = {"Date": self.moment(day), "ID": self.random.randbytes(8).hex().upper(), "Type": kind}
        row |= {"Labels": labels, "Note": note}
        row |= self.sent(*sent) if sent else {}
        row |= self.received(*received) if received else {}
        row |= {"Fee Amount": str(fee[0]), "Fee Asset": fee[1]} if fee else {}
        self.rows["Exchange"].append(row)

    # ── Pieces ───────────────────────────────────────────────────────────────────────────────

    def on_chain(self, day: datetime, network: str, other: str) -> Row:
        """Return a transaction of the everyday wallet that paid its fee."""
        row = self.at(
            day, network, "0x" + self.random.randbytes(32).hex(), self.own[network], other
        )
        gas = Decimal("0.0003") if network == "ethereum" else Decimal("0.00002")
        fee = self.exact(gas * self.between(1, 3), 18)
        self.hold(network, NATIVE[network], fee.copy_negate())
        return row | {"Fee Amount": str(fee), "Fee Asset": NATIVE[network]}

    def unpaid(self, row: Row) -> Row:
        """Return a transaction that somebody else paid for."""
        self.hold(row["Network"], row["Fee Asset"], Decimal(row["Fee Amount"]))
        return {name: cell for name, cell in row.items() if not name.startswith("Fee")}

    def at(self, day: datetime, network: str, tx_hash: str, own: str, other: str) -> Row:
        """Return the place of a transaction on its network."""
        return {
            "Date": self.moment(day),
            "Network": network,
            "Hash": tx_hash,
            "Address": own,
            "Counterparty": other,
        }

    def moment(self, day: datetime) -> str:
        """Return some second of a day."""
        return (day + timedelta(seconds=self.random.randrange(25_000, 80_000))).isoformat()

    def sent(self, amount: Decimal, asset: str, network: str = "") -> Row:
        """Return the cells of what went out."""
        self.hold(network, asset, amount.copy_negate())
        return {"Sent Amount": str(amount), "Sent Asset": asset}

    def received(self, amount: Decimal, asset: str, network: str = "") -> Row:
        """Return the cells of what came in."""
        self.hold(network, asset, amount)
        return {"Received Amount": str(amount), "Received Asset": asset}

    def hold(self, network: str, asset: str, change: Decimal) -> None:
        """Keep count of what the everyday wallet has, so that it never spends what it has not."""
        place = (network, asset.partition("@")[0])
        self.held[place] = self.held.get(place, Decimal(0)) + change

    def holding(self, network: str, symbol: str) -> Decimal:
        """Return what the everyday wallet has."""
        return self.held.get((network, symbol), Decimal(0))

    def price(self, coin: str, day: datetime) -> Decimal:
        """Return about what a coin cost."""
        start, drift = PRICES[coin]
        return start * (1 + drift * (day - BEGIN).days / 365) * self.between(85, 115) / 100

    def exact(self, value: Decimal, places: int) -> Decimal:
        """Return a number near `value` with that many decimal places."""
        return Decimal(f"{value * self.between(90, 110) / 100:.{places}f}")

    def between(self, low: int, high: int) -> Decimal:
        """Return some number between two, to the thousandth."""
        return Decimal(self.random.randrange(low * 1000, high * 1000)).scaleb(-3)

    def chance(self, permille: int) -> bool:
        """Return True in so many of a thousand cases."""
        return self.random.randrange(1000) < permille

    def address(self, name: str) -> str:
        """Return the EVM address of a name, the same every time."""
        return "0x" + hashlib.sha256(f"freshledger sample {name}".encode()).hexdigest()[:40]

    def bitcoin_address(self) -> str:
        """Return a drawn address with a right checksum (P2PKH)."""
        payload = b"\0" + self.random.randbytes(20)
        check = hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
        return base58(payload + check)


def base58(raw: bytes) -> str:
    """Return bytes in base58, as Bitcoin and Solana write them."""
    letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, text = int.from_bytes(raw), ""
    while number:
        number, digit = divmod(number, 58)
        text = letters[digit] + text
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + text
