"""The story that the sample ledger tells: five years of one person's wallets, from a fixed seed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from dal.story_cast import (
    BEGIN,
    END,
    EVM,
    FRIENDS,
    NATIVE,
    PARTIES,
    STRANGERS,
    USDC,
    address,
    base58,
)
from dal.story_rows import Pen

if TYPE_CHECKING:
    from datetime import datetime

THURSDAY, DECEMBER = 3, 12


class Story(Pen):
    """Five years of one person's wallets, drawn from a seed."""

    def __init__(self, seed: int = 20) -> None:
        super().__init__(seed)
        self.cold = address("evm:cold")
        self.vault = self.bitcoin_address()
        self.solana = base58(self.random.randbytes(32))
        self.reach = {
            party.name: {network: address(party.name) for network in party.networks}
            for party in PARTIES
        }
        self.strangers = [address(f"stranger {number}") for number in range(STRANGERS)]
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
            row |= self.received(amount, f"CLAIM-REWARDS@{address('spam')}")
            row |= {"Labels": "check this", "Type": "airdrop"}
        elif kind == "receive":
            row |= self.received(self.exact(Decimal("0.08"), 18), NATIVE[network], network)
        else:
            token = f"{'KITE' if kind == 'airdrop' else 'FERN'}@{address(kind)}"
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
