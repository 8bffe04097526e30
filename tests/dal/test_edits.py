"""Edits: each with the version it was made on; of two at once, exactly one wins."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, select, text, update

from dal import contacts, details, edits, imports, labels, tables, transactions, wallets
from dal.errors import BadAddress, BadValue, Conflict, NotFound
from dal.filters import Filter
from tests.support import rows
from tests.support.rows import at

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dal.database import Ledger

tx = tables.transactions
VITALIK = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"

EDITS: dict[str, Callable[[Connection, int, int], Any]] = {
    "labels.rename": lambda conn, one, version: labels.rename(conn, one, version, "new"),
    "labels.recolour": lambda conn, one, version: labels.recolour(conn, one, version, "red"),
    "labels.remove": labels.remove,
    "labels.attach": lambda conn, one, version: labels.attach(conn, one, version, [1]),
    "labels.detach": lambda conn, one, version: labels.detach(conn, one, version, [1]),
    "labels.merge": lambda conn, one, version: labels.merge(
        conn, one, version, labels.named(conn, "x")[0]
    ),
    "contacts.rename": lambda conn, one, version: contacts.rename(conn, one, version, "new"),
    "contacts.remove": contacts.remove,
    "contacts.add_address": lambda conn, one, version: contacts.add_address(
        conn, one, version, "ethereum", VITALIK
    ),
    "contacts.remove_address": lambda conn, one, version: contacts.remove_address(
        conn, one, version, "ethereum", VITALIK
    ),
    "wallets.rename": lambda conn, one, version: wallets.rename(conn, one, version, "new"),
    "wallets.remove": wallets.remove,
    "wallets.add_address": lambda conn, one, version: wallets.add_address(
        conn, one, version, "ethereum", VITALIK
    ),
    "wallets.remove_address": lambda conn, one, version: wallets.remove_address(
        conn, one, version, "ethereum", VITALIK
    ),
    "details.set_note": lambda conn, one, version: details.set_note(conn, one, version, "new"),
    "details.choose_contact": lambda conn, one, version: details.choose_contact(
        conn, one, version, None
    ),
}
each_edit = pytest.mark.parametrize("name", EDITS)
HUGE = (0, -1, 2**31, 2**63, 10**30)


def row_for(conn: Connection, name: str) -> int:
    """Insert the row that an edit is about."""
    match name.split(".", maxsplit=1)[0]:
        case "labels":
            return labels.add(conn, "old")
        case "contacts":
            return contacts.add(conn, "old")
        case "wallets":
            return wallets.add(conn, "old")
    return rows.transaction(conn, rows.wallet(conn))


@each_edit
def test_an_old_version_changes_nothing(conn: Connection, name: str) -> None:
    one = row_for(conn, name)
    everything = snapshot(conn)
    for version in (0, 2, -1, 2**31, 10**30):
        with pytest.raises(Conflict, match="changed since you read it"):
            EDITS[name](conn, one, version)
    assert snapshot(conn) == everything


def snapshot(conn: Connection) -> list[Any]:
    """Return all that an edit could have changed, but for the label that a test merges into."""
    kept = [each for each in labels.all(conn) if each.name != "x"]
    return [kept, contacts.all(conn), wallets.all(conn), transactions.page(conn).rows]


@each_edit
def test_what_is_gone(conn: Connection, name: str) -> None:
    one = row_for(conn, name)
    for gone in (one + 1_000_000, *HUGE):
        with pytest.raises(NotFound) as raised:
            EDITS[name](conn, gone, 1)
        assert raised.value.name == gone


#: Edits that do not mind each other: the one finds that what it means is so already, or that its
#: field is not the other's.
SHARED = {
    *("labels.attach", "labels.detach"),  # a label on a row is a row of its own
    *("contacts.add_address", "wallets.add_address"),
    *("labels.rename", "labels.recolour", "contacts.rename", "wallets.rename"),
    *("details.set_note", "details.choose_contact"),
}


@each_edit
def test_of_two_at_once_both_are_done_or_one_wins(ledger: Ledger, name: str) -> None:
    """Both have read version 1 and do the same; the second's write waits for the first's commit."""
    with ledger.write() as conn:
        one = row_for(conn, name)
        if "remove_address" in name:
            vitalik = {"contacts": contacts, "wallets": wallets}[name.split(".", maxsplit=1)[0]]
            vitalik.add_address(conn, one, 1, "ethereum", VITALIK)
    edit, version = EDITS[name], 2 if "remove_address" in name else 1
    outcomes = at_once(ledger, *[lambda conn: edit(conn, one, version)] * 2)
    assert outcomes == (["won", "won"] if name in SHARED else ["lost", "won"])


@pytest.mark.parametrize("name", ["labels", "contacts", "wallets"])
def test_of_two_other_names_at_once_one_wins(ledger: Ledger, name: str) -> None:
    module: Any = {"labels": labels, "contacts": contacts, "wallets": wallets}[name]
    for _ in range(5):
        with ledger.write() as conn:
            one, version = module.add(conn, "old"), 1
        rivals = [renaming(module, one, name) for name in ("a", "b")]
        assert at_once(ledger, *rivals) == ["lost", "won"]
        with ledger.write() as conn:
            module.remove(conn, one, version + 1)


def renaming(module: Any, one: int, name: str) -> Callable[[Connection], Any]:
    return lambda conn: module.rename(conn, one, 1, name)


def at_once(ledger: Ledger, *edits_: Callable[[Connection], Any]) -> list[str]:
    """Return what became of edits that begin at the same time, sorted."""
    outcomes: list[str] = []
    barrier = threading.Barrier(len(edits_), timeout=60)

    def compete(edit: Callable[[Connection], Any]) -> None:
        try:
            with ledger.write() as conn:
                barrier.wait()
                edit(conn)
        except (Conflict, NotFound):
            outcomes.append("lost")
        else:
            outcomes.append("won")

    rivals = [threading.Thread(target=compete, args=(edit,)) for edit in edits_]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join()
    return sorted(outcomes)


@pytest.mark.parametrize("module", [labels, contacts, wallets])
def test_of_two_new_ones_of_a_name_one_wins(ledger: Ledger, module: Any) -> None:
    outcomes: list[str] = []
    barrier = threading.Barrier(2, timeout=60)

    def compete(name: str) -> None:
        try:
            with ledger.write() as conn:
                barrier.wait()
                module.add(conn, name)
        except Conflict as error:
            outcomes.append(str(error))
        else:
            outcomes.append("won")

    rivals = [threading.Thread(target=compete, args=(name,)) for name in ("Rent", "rent")]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join()
    lost, won = sorted(outcomes)
    assert won == "won"
    assert "already" in lost


# ── Names and notes ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("module", [labels, contacts, wallets])
@pytest.mark.parametrize(
    "name",
    ["", "  ", "\N{NO-BREAK SPACE}", "x" * 101, "a\nb", "a\tb", "a\0b", "\ud800", "a\u2028b"],
)
def test_names_that_cannot_be_stored(conn: Connection, module: Any, name: str) -> None:
    known = module.add(conn, "old")
    with pytest.raises(BadValue):
        module.add(conn, name)
    with pytest.raises(BadValue):
        module.rename(conn, known, 1, name)


@pytest.mark.parametrize("module", [labels, contacts, wallets])
def test_names_are_stored_trimmed_and_composed(conn: Connection, module: Any) -> None:
    known = module.add(conn, " \N{NO-BREAK SPACE}Cafe\N{COMBINING ACUTE ACCENT}\n")
    assert module.get(conn, known).name == "Caf\N{LATIN SMALL LETTER E WITH ACUTE}"
    assert module.get(conn, known).version == 1


@pytest.mark.parametrize("module", [labels, contacts, wallets])
def test_one_of_a_name(ledger: Ledger, module: Any) -> None:
    with ledger.write() as conn:
        module.add(conn, "Rent")
        food = module.add(conn, "Food")
    with pytest.raises(Conflict, match="already"), ledger.write() as conn:
        module.add(conn, "rENT")
    with pytest.raises(Conflict, match="already"), ledger.write() as conn:
        module.rename(conn, food, 1, "RENT")
    with ledger.write() as conn:
        assert module.rename(conn, food, 1, "FOOD") == 2  # its own name in other capitals


@pytest.mark.parametrize("number", HUGE)
def test_ids_that_nothing_can_have(conn: Connection, number: int) -> None:
    for get in (labels.get, contacts.get, wallets.get, imports.get, details.get, imports.undo):
        with pytest.raises(NotFound):
            get(conn, number)
    assert list(imports.rows(conn, number)) == []


# ── Labels ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def three(conn: Connection) -> list[int]:
    wallet_id = rows.wallet(conn)
    return [rows.transaction(conn, wallet_id, at(second)) for second in range(3)]


def bearing(conn: Connection, name: str) -> set[int]:
    where = Filter.parse([("label", name)])
    return {row.id for row in transactions.page(conn, where).rows}


def test_attach_and_detach(conn: Connection, three: list[int]) -> None:
    rent = labels.add(conn, "rent", "red")
    assert labels.attach(conn, rent, 1, three[:2]) == 2
    assert labels.attach(conn, rent, 1, [*three, three[0], 10**9, *HUGE]) == 1
    assert bearing(conn, "rent") == set(three)
    assert labels.get(conn, rent).transactions == 3
    assert labels.detach(conn, rent, 1, [three[0], 10**9, *HUGE]) == 1
    assert bearing(conn, "rent") == set(three[1:])
    assert labels.attach(conn, rent, 1, []) == labels.detach(conn, rent, 1, []) == 0
    assert labels.all(conn)[0].version == 1, "a label on a row is no change of the label"


def test_more_transactions_than_a_statement_has_parameters(
    conn: Connection, three: list[int]
) -> None:
    rent = labels.add(conn, "rent")
    assert labels.attach(conn, rent, 1, range(1, three[-1] + 70_000)) == 3
    assert labels.detach(conn, rent, 1, range(1, three[-1] + 70_000)) == 3


def test_merge(conn: Connection, three: list[int]) -> None:
    rent, home = labels.add(conn, "rent"), labels.add(conn, "home")
    labels.attach(conn, rent, 1, three[:2])
    labels.attach(conn, home, 1, three[1:])
    assert labels.merge(conn, rent, 1, home) == 1
    assert bearing(conn, "home") == set(three)
    assert [label.name for label in labels.all(conn)] == ["home"]
    with pytest.raises(NotFound):
        labels.merge(conn, home, 1, rent)
    with pytest.raises(BadValue, match="another label"):
        labels.merge(conn, home, 1, home)


def test_crosswise_merges_do_not_wait_for_each_other(ledger: Ledger) -> None:
    for round_ in range(5):
        with ledger.write() as conn:
            pair = [labels.add(conn, f"{name}{round_}") for name in "ab"]
        outcomes: list[str] = []
        barrier = threading.Barrier(2, timeout=60)

        def compete(one: int, other: int, outcomes: list[str], barrier: threading.Barrier) -> None:
            try:
                with ledger.write() as conn:
                    barrier.wait()
                    labels.merge(conn, one, 1, other)
            except NotFound:
                outcomes.append("lost")
            else:
                outcomes.append("won")

        rivals = [
            threading.Thread(target=compete, args=(*ids, outcomes, barrier))
            for ids in (pair, pair[::-1])
        ]
        for rival in rivals:
            rival.start()
        for rival in rivals:
            rival.join()
        assert sorted(outcomes) == ["lost", "won"]


def test_remove_a_label(conn: Connection, three: list[int]) -> None:
    rent = labels.add(conn, "rent")
    labels.attach(conn, rent, 1, three)
    labels.remove(conn, rent, 1)
    assert all(row.labels == () for row in transactions.page(conn).rows)


def test_named(conn: Connection) -> None:
    for module in (labels, contacts):
        first = module.named(conn, "Café Ärger")
        assert module.named(conn, " Café Ärger ") == first
        assert len(module.all(conn)) == 1


@pytest.mark.parametrize("colour", ["", "Red", "#ff0000", "x" * 9_999, "\0"])
def test_other_colours(conn: Connection, colour: str) -> None:
    rent = labels.add(conn, "rent", "teal")
    for ask in (
        lambda: labels.add(conn, "x", colour),
        lambda: labels.named(conn, "x", colour),
        lambda: labels.recolour(conn, rent, 1, colour),
    ):
        with pytest.raises(BadValue, match="none of grey"):
            ask()
    assert labels.recolour(conn, rent, 1, "pink") == 2
    assert labels.get(conn, rent).colour == "pink"


# ── Notes and contacts ───────────────────────────────────────────────────────────────────────


def test_notes(conn: Connection, three: list[int]) -> None:
    assert details.set_note(conn, three[0], 1, " a\r\nb \n") == 2
    assert details.get(conn, three[0]).transaction.note == "a\nb"
    assert details.set_note(conn, three[0], 2, "") == 3
    assert details.set_note(conn, three[0], 3, "x" * 10_000) == 4
    for note in ("x" * 10_001, "a\0b", "\ud800"):
        with pytest.raises(BadValue):
            details.set_note(conn, three[0], 4, note)


def test_a_choice_by_hand_wins(conn: Connection) -> None:
    place = ("ethereum", VITALIK.lower())
    rows.contact(conn, "Anna", place)
    bob = rows.contact(conn, "Bob")
    one = rows.transaction(conn, rows.wallet(conn), network=place[0], counterparty=place[1])

    def shown() -> tuple[str | None, bool]:
        row = transactions.page(conn).rows[0]
        return row.contact, row.contact_by_hand

    assert shown() == ("Anna", False)
    assert details.choose_contact(conn, one, 1, bob) == 2
    assert shown() == ("Bob", True)
    assert details.choose_contact(conn, one, 2, None) == 3
    assert shown() == ("Anna", False)
    for nobody in (bob + 10_000, *HUGE):
        with pytest.raises(NotFound):
            details.choose_contact(conn, one, 3, nobody)
    details.choose_contact(conn, one, 3, bob)
    contacts.remove(conn, bob, 1)
    assert shown() == ("Anna", False)


@pytest.mark.parametrize("module", [contacts, wallets])
def test_addresses_are_stored_in_one_form(conn: Connection, module: Any) -> None:
    known = module.add(conn, "Anna")
    assert module.add_address(conn, known, 1, "ETH", VITALIK) == 2
    assert [(a.network, a.address) for a in module.get(conn, known).addresses] == [
        ("ethereum", VITALIK.lower())
    ]
    assert module.remove_address(conn, known, 2, "mainnet", VITALIK) == 3
    assert module.get(conn, known).addresses == ()
    for network, address in (("ethereum", VITALIK), ("nowhere", "x")):
        with pytest.raises(NotFound):
            module.remove_address(conn, known, module.get(conn, known).version, network, address)


@pytest.mark.parametrize("module", [contacts, wallets])
def test_addresses_that_cannot_be(conn: Connection, module: Any) -> None:
    known = module.add(conn, "Anna")
    for network, address in (
        ("ethereum", VITALIK.replace("dA6B", "DA6B")), ("bitcoin", VITALIK), ("nowhere", VITALIK),
        ("ethereum", ""), ("", VITALIK),
    ):  # fmt: skip
        with pytest.raises(BadAddress):
            module.add_address(conn, known, 1, network, address)
    assert module.get(conn, known).version == 1


@pytest.mark.parametrize("module", [contacts, wallets])
def test_an_address_has_one_owner(ledger: Ledger, module: Any) -> None:
    with ledger.write() as conn:
        anna, bob = module.add(conn, "Anna"), module.add(conn, "Bob")
        module.add_address(conn, anna, 1, "ethereum", VITALIK)
    with pytest.raises(Conflict, match="already"), ledger.write() as conn:
        module.add_address(conn, bob, 1, "ethereum", VITALIK)
    with ledger.read() as conn:
        assert module.get(conn, bob).version == 1


def test_names_to_choose_from(conn: Connection) -> None:
    for name in ("Anna", "anton", "Bob", "100%", "a_b"):
        contacts.add(conn, name)
    assert contacts.names(conn, "AN") == ("Anna", "anton")
    assert contacts.names(conn, "100%") == ("100%",)
    assert contacts.names(conn, "%") == ()
    assert contacts.names(conn, "a_") == ("a_b",)
    assert len(contacts.names(conn, most=2)) == 2


# ── Wallets ──────────────────────────────────────────────────────────────────────────────────


def test_what_was_sent_to_an_own_address_is_a_transfer(conn: Connection) -> None:
    eth, main, cold = rows.asset(conn), rows.wallet(conn), rows.wallet(conn, "Cold")
    chain: dict[str, Any] = {"network": "ethereum", "counterparty": VITALIK.lower()}
    chain |= {"moved": [(eth, "-1", "principal")]}
    rows.transaction(conn, main, type="send", tx_hash="0x1", **chain)
    rows.transaction(conn, main, type="transfer", source_type="Transfer", tx_hash="0x2", **chain)

    def types() -> set[str]:
        return {row.type for row in transactions.page(conn).rows}

    assert types() == {"send", "transfer"}
    assert wallets.add_address(conn, cold, 1, "eth", VITALIK) == 2
    assert types() == {"transfer"}
    assert wallets.remove_address(conn, cold, 2, "eth", VITALIK) == 3
    assert types() == {"send", "transfer"}, "what the source called a transfer stays one"
    wallets.add_address(conn, cold, 3, "eth", VITALIK)
    wallets.remove(conn, cold, 4)
    assert types() == {"send", "transfer"}


def test_a_wallet_with_transactions_stays(conn: Connection, three: list[int]) -> None:
    main = transactions.page(conn).rows[0].wallet_id
    with pytest.raises(Conflict, match="still has transactions"):
        wallets.remove(conn, main, 1)
    conn.execute(delete(tx).where(tx.c.id.in_(three)))
    wallets.remove(conn, main, 1)
    assert wallets.all(conn) == ()


def test_balances(conn: Connection) -> None:
    eth, usd = rows.asset(conn), rows.asset(conn, "USD")
    main, cold = rows.wallet(conn), rows.wallet(conn, "Cold")
    whole = 2**256 - 1
    rows.transaction(conn, main, at(0), [(eth, whole, "principal"), (usd, "1", "principal")])
    rows.transaction(conn, main, at(1), [(eth, "-1E-18", "fee"), (usd, "-1", "principal")])
    rows.transaction(conn, cold, at(2), [(eth, "0.000000000000000001", "principal")])
    held = {(b.wallet, b.symbol): b.amount for b in wallets.balances(conn)}
    assert held == {
        ("Main", "ETH"): Decimal(f"{whole - 1}.{'9' * 18}"),
        ("Cold", "ETH"): rows.LEAST,
    }
    then = {(b.wallet, b.symbol): b.amount for b in wallets.balances(conn, at(0))}
    assert then == {("Main", "ETH"): rows.MOST, ("Main", "USD"): Decimal(1)}
    assert wallets.balances(conn, at(-0.000001)) == ()


def test_wallets_count_their_transactions(conn: Connection, three: list[int]) -> None:
    assert [(w.name, w.transactions) for w in wallets.all(conn)] == [("Main", len(three))]


# ── What the database keeps by itself ────────────────────────────────────────────────────────


def amounts(conn: Connection) -> dict[int, Decimal]:
    return {row.id: row.amount for row in transactions.page(conn).rows}


def test_the_amount_follows_the_movements(conn: Connection) -> None:
    eth, main = rows.asset(conn), rows.wallet(conn)
    one, two = (
        rows.transaction(conn, main, moved=[(eth, "1", "principal"), (eth, "-9", "fee")])
        for _ in range(2)
    )
    assert amounts(conn) == {one: Decimal(1), two: Decimal(1)}
    rows.move(conn, one, 5, amount=-rows.NOON.year, asset_id=eth, occurred_at=rows.NOON)
    assert amounts(conn)[one] == Decimal(2024)
    conn.execute(text("UPDATE movements SET amount = amount * 2 WHERE kind = 'principal'"))
    assert amounts(conn) == {one: Decimal(4048), two: Decimal(2)}
    conn.execute(text("UPDATE movements SET transaction_id = :two WHERE key = 5"), {"two": two})
    assert amounts(conn) == {one: Decimal(2), two: Decimal(4048)}
    conn.execute(text("UPDATE movements SET kind = 'fee' WHERE key = 5"))
    assert amounts(conn) == {one: Decimal(2), two: Decimal(2)}
    conn.execute(text("DELETE FROM movements WHERE kind = 'principal'"))
    assert amounts(conn) == {one: Decimal(0), two: Decimal(0)}


def test_the_amount_survives_two_writers(ledger: Ledger) -> None:
    """Each adds a movement while the other's is not committed yet; neither may be forgotten."""
    with ledger.write() as conn:
        eth = rows.asset(conn)
        one = rows.transaction(conn, rows.wallet(conn))
    told = {"asset_id": eth, "occurred_at": rows.NOON}
    with ledger.write() as first:
        rows.move(first, one, 1, amount="100", **told)
        second = threading.Thread(target=add_small, args=(ledger, one, told))
        second.start()
        second.join(0.5)
        assert second.is_alive(), "the second waits for the first"
    second.join()
    with ledger.read() as conn:
        assert amounts(conn) == {one: Decimal(100)}


def add_small(ledger: Ledger, one: int, told: dict[str, Any]) -> None:
    with ledger.write() as conn:
        rows.move(conn, one, 2, amount="1", **told)


def test_the_copied_time_follows(conn: Connection) -> None:
    eth, rent = rows.asset(conn), rows.label(conn, "rent")
    one = rows.transaction(conn, rows.wallet(conn), moved=[(eth, "1", "principal")], labels=[rent])
    conn.execute(text("UPDATE transactions SET occurred_at = '2020-01-01 UTC'"))
    for table in (tables.movements, tables.transaction_labels):
        found = conn.execute(select(table.c.occurred_at, table.c.transaction_id)).one()
        assert (found.occurred_at.year, found.transaction_id) == (2020, one)
    assert transactions.page(conn, Filter.parse("asset=eth&label=rent&date=2020")).counted == 1


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_no_amount_that_is_none(conn: Connection, amount: str) -> None:
    eth = rows.asset(conn)
    one = rows.transaction(conn, rows.wallet(conn), moved=[(eth, "1", "principal")])
    for statement in (
        update(tx).where(tx.c.id == one),
        update(tables.movements).where(tables.movements.c.transaction_id == one),
    ):
        point = conn.begin_nested()
        with pytest.raises(Exception, match="amount_check"):
            conn.execute(statement.values(amount=Decimal(amount)))
        point.rollback()


@pytest.mark.parametrize(
    "when", ["infinity", "-infinity", "10000-01-01 UTC", "0001-12-31 UTC", "4000-01-01 BC"]
)
def test_no_time_that_cannot_be_shown(conn: Connection, when: str) -> None:
    rows.transaction(conn, rows.wallet(conn))
    with pytest.raises(Exception, match="occurred_at_check"):
        conn.execute(text(f"UPDATE transactions SET occurred_at = '{when}'"))


def test_edits_name_what_they_share() -> None:
    assert edits.name("label", " a b ") == "a b"
