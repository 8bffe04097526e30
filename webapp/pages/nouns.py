"""The pages of wallets, contacts and labels."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlencode

from dal.addresses import NETWORKS
from dal.labels import COLOURS
from webapp.links import LIST
from webapp.template_filters import Amount, amount, count, full_address, network_title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dal.records import Balance, Contact, Label, Wallet, WalletAddress
    from webapp.pages.history import Entry, Told

#: What can be chosen where an address is typed: name and title.
CHOICES = tuple((network.name, network.title) for network in NETWORKS.values())
#: Balances that a wallet shows before somebody asks for the rest.
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Place:
    """An address on a network."""

    network: str
    title: str
    address: str  # canonical, as a form sends it
    shown: str


@dataclass(frozen=True, slots=True)
class Held:
    """What a wallet holds of one asset."""

    amount: Amount
    symbol: str
    network: str  # its title; "" for what an exchange holds
    contract: str
    negative: bool  # more went out than came in: a file is missing


@dataclass(frozen=True, slots=True)
class WalletCard:
    """One wallet."""

    id: int
    name: str
    version: int
    href: str
    count: str
    removable: bool
    places: tuple[Place, ...]
    held: tuple[Held, ...]
    more: tuple[Held, ...]
    history: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class WalletsPage:
    """`wallets/index.html`."""

    section: ClassVar[str] = "wallets"
    title: ClassVar[str] = "Wallets"
    networks: ClassVar[tuple[tuple[str, str], ...]] = CHOICES
    wallets: tuple[WalletCard, ...]

    @classmethod
    def of(cls, wallets: Iterable[Wallet], balances: Iterable[Balance], told: Told) -> WalletsPage:
        """Return the page of the wallets and what they hold."""
        held: dict[int, list[Held]] = defaultdict(list)
        for balance in balances:
            held[balance.wallet_id].append(_held(balance))
        return cls(tuple(_wallet(wallet, held[wallet.id], told) for wallet in wallets))


def _wallet(wallet: Wallet, held: list[Held], told: Told) -> WalletCard:
    return WalletCard(
        id=wallet.id,
        name=wallet.name,
        version=wallet.version,
        href=list_of("wallet", wallet.name),
        count=count(wallet.transactions, "transaction"),
        removable=not wallet.transactions,
        places=places(wallet.addresses),
        held=tuple(held[:SHOWN]),
        more=tuple(held[SHOWN:]),
        history=told.of(wallet.id),
    )


def _held(balance: Balance) -> Held:
    network = network_title(balance.network) if balance.network else ""
    shown = amount(balance.amount)
    return Held(shown, balance.symbol, network, balance.contract, balance.amount < 0)


@dataclass(frozen=True, slots=True)
class ContactCard:
    """One contact."""

    id: int
    name: str
    note: str
    version: int
    href: str
    places: tuple[Place, ...]
    history: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class ContactsPage:
    """`contacts/index.html`."""

    section: ClassVar[str] = "contacts"
    title: ClassVar[str] = "Contacts"
    networks: ClassVar[tuple[tuple[str, str], ...]] = CHOICES
    contacts: tuple[ContactCard, ...]

    @classmethod
    def of(cls, contacts: Iterable[Contact], told: Told) -> ContactsPage:
        """Return the page of the contacts."""
        return cls(tuple(_contact(contact, told) for contact in contacts))


def _contact(contact: Contact, told: Told) -> ContactCard:
    return ContactCard(
        id=contact.id,
        name=contact.name,
        note=contact.note,
        version=contact.version,
        href=list_of("contact", contact.name),
        places=places(contact.addresses),
        history=told.of(contact.id),
    )


@dataclass(frozen=True, slots=True)
class LabelLine:
    """One label."""

    id: int
    name: str
    colour: str
    version: int
    href: str
    count: str
    history: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class LabelsPage:
    """`labels/index.html`."""

    section: ClassVar[str] = "labels"
    title: ClassVar[str] = "Labels"
    colours: ClassVar[tuple[str, ...]] = COLOURS
    labels: tuple[LabelLine, ...]

    @classmethod
    def of(cls, labels: Iterable[Label], told: Told) -> LabelsPage:
        """Return the page of the labels."""
        return cls(tuple(_label(label, told) for label in labels))


def _label(label: Label, told: Told) -> LabelLine:
    return LabelLine(
        id=label.id,
        name=label.name,
        colour=label.colour,
        version=label.version,
        href=list_of("label", label.name),
        count=count(label.transactions, "transaction"),
        history=told.of(label.id),
    )


def places(addresses: Iterable[WalletAddress]) -> tuple[Place, ...]:
    """Return addresses to show and to send."""
    return tuple(
        Place(
            each.network,
            network_title(each.network),
            each.address,
            full_address(each.network, each.address),
        )
        for each in addresses
    )


def list_of(key: str, value: str) -> str:
    """Return the list of transactions narrowed to one value."""
    return f"{LIST}?{urlencode({key: value})}"
