"""Two edits of one row: merged, the same, or contested, exactly as the rule says."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from dal import contacts, details, labels, merging, wallets
from dal.errors import Conflict
from tests.support import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from dal.database import Ledger

Values = dict[str, Any]


@dataclass(frozen=True)
class Noun:
    """Something that is edited: its columns, a small domain of each, and the edit."""

    table: str
    domain: Mapping[str, tuple[str, ...]]
    make: Callable[[Connection, Values], int]
    edit: Callable[[Connection, int, int, Values], int]
    called: Mapping[str, str] = field(default_factory=dict)  # where a field is not called as such

    def states(self) -> list[Values]:
        return [
            dict(zip(self.domain, each, strict=True)) for each in product(*self.domain.values())
        ]

    def stored(self, conn: Connection, row_id: int) -> tuple[int, Values]:
        asked = text(f"SELECT * FROM {self.table} WHERE id = :id")
        row = conn.execute(asked, {"id": row_id}).mappings().one()
        return row["version"], {column: row[column] for column in self.domain}

    def by_sql(self, conn: Connection, row_id: int, values: Values) -> None:
        """Edit as psql would: without a word of versions, and only what is to change."""
        for column, value in values.items():
            change = f"UPDATE {self.table} SET {column} = '{value}' WHERE id = {row_id}"
            conn.execute(text(f"{change} AND {column} <> '{value}'"))


NOUNS = {
    "label": Noun(
        "labels", {"name": ("a", "b", "c"), "colour": ("grey", "red", "teal")},
        lambda conn, v: labels.add(conn, v["name"], v["colour"]),
        lambda conn, one, version, v: labels.edit(conn, one, version, v["name"], v["colour"]),
        {"name": "label"},
    ),
    "contact": Noun(
        "contacts", {"name": ("a", "b", "c"), "note": ("", "x", "y")},
        lambda conn, v: contacts.add(conn, v["name"], v["note"]),
        lambda conn, one, version, v: contacts.rename(conn, one, version, v["name"], v["note"]),
        {"name": "contact"},
    ),
    "wallet": Noun(
        "wallets", {"name": ("a", "b", "c")},
        lambda conn, v: wallets.add(conn, v["name"]),
        lambda conn, one, version, v: wallets.rename(conn, one, version, v["name"]),
        {"name": "wallet"},
    ),
    "note": Noun(
        "transactions", {"note": ("", "x", "y")},
        lambda conn, v: rows.transaction(conn, rows.wallet(conn), note=v["note"]),
        lambda conn, one, version, v: details.set_note(conn, one, version, v["note"]),
    ),
}  # fmt: skip
each_noun = pytest.mark.parametrize("noun", NOUNS.values(), ids=NOUNS)


def ruled(base: Values, theirs: Values, mine: Values) -> tuple[Values, set[str]]:
    """Return what the rule makes of an edit: the row afterwards, and the contested columns."""
    contested = {
        each for each in mine
        if mine[each] != base[each] and theirs[each] not in (base[each], mine[each])
    }  # fmt: skip
    merged = {each: theirs[each] if mine[each] == base[each] else mine[each] for each in mine}
    return (theirs, contested) if contested else (merged, contested)


def outcome(conn: Connection, noun: Noun, one: int, version: int, mine: Values) -> set[str]:
    """Edit, and return the fields that are contested."""
    try:
        noun.edit(conn, one, version, mine)
    except Conflict as error:
        if error.version != noun.stored(conn, one)[0]:
            return {"not the present version"}
        return {each.field for each in error.contested}
    return set()


@each_noun
@pytest.mark.parametrize("road", ["edit", "SQL", "there and back"])
def test_every_pair_of_edits(conn: Connection, noun: Noun, road: str) -> None:
    first, *_ = states = noun.states()
    for theirs, mine in product(states, states):
        point = conn.begin_nested()
        one = noun.make(conn, first)
        if road == "edit":
            noun.edit(conn, one, 1, theirs)
        else:
            noun.by_sql(conn, one, theirs)
        if road == "there and back":
            noun.by_sql(conn, one, first)
        before, now = noun.stored(conn, one)
        expected, contested = ruled(first, now, mine)
        found = outcome(conn, noun, one, 1, mine)
        after, stored = noun.stored(conn, one)
        assert found == {noun.called.get(each, each) for each in contested}, (theirs, mine)
        assert stored == expected, (theirs, mine)
        assert after == before + (stored != now or before == 1), "a version for each change"
        point.rollback()


@each_noun
def test_any_number_of_editors_who_read_at_any_time(conn: Connection, noun: Noun) -> None:
    """Each holds a version and the row as it was then; the model knows nothing but the rule."""
    for seed in range(12):
        random, point = Random(seed), conn.begin_nested()
        one = noun.make(conn, noun.states()[0])
        read = [noun.stored(conn, one)] * 3
        for _ in range(25):
            who, values = random.randrange(3), random.choice(noun.states())
            if random.random() < 0.25:
                noun.by_sql(conn, one, values)
                continue
            if random.random() < 0.3:
                read[who] = noun.stored(conn, one)
                continue
            version, base = read[who]
            now = noun.stored(conn, one)[1]
            expected, contested = ruled(base, now, values)
            assert outcome(conn, noun, one, version, values) == {
                noun.called.get(each, each) for each in contested
            }
            stored = noun.stored(conn, one)
            assert stored[1] == expected
            if not contested:
                read[who] = stored
        point.rollback()


def test_no_edit_that_was_acknowledged_is_lost(ledger: Ledger) -> None:
    """Two edit different fields, a third by SQL, all at once: the last of each stands."""
    with ledger.write() as conn:
        anna = contacts.add(conn, "a0", "n0")
    said: dict[str, int] = {}
    conflicts: list[Conflict] = []

    def edits(mine: str) -> None:
        for number in range(1, 31):
            with ledger.read() as conn:
                read = contacts.get(conn, anna)
            values = {"name": read.name, "note": read.note} | {mine: f"{mine[0]}{number}"}
            try:
                with ledger.write() as conn:
                    contacts.rename(conn, anna, read.version, **values)
            except Conflict as error:
                conflicts.append(error)
            else:
                said[mine] = number

    def by_sql() -> None:
        for _ in range(30):
            with ledger.write() as conn:
                conn.execute(text("UPDATE contacts SET import_id = NULL, version = version + 1"))

    rivals = [threading.Thread(target=edits, args=(each,)) for each in ("name", "note")]
    rivals.append(threading.Thread(target=by_sql))
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join()
    with ledger.read() as conn:
        left = contacts.get(conn, anna)
    assert not conflicts
    assert (left.name, left.note) == (f"n{said['name']}", f"n{said['note']}")
    assert said == {"name": 30, "note": 30}


# ── What a conflict says ─────────────────────────────────────────────────────────────────────


def test_a_conflict_names_both_values_and_who_changed_it_when(ledger: Ledger) -> None:
    with ledger.write() as conn:
        one = rows.transaction(conn, rows.wallet(conn), note="base")
    with ledger.write(who="browser at 10.0.0.7") as conn:
        began = conn.execute(text("SELECT now()")).scalar_one()
        details.set_note(conn, one, 1, "theirs")
        at = conn.execute(text("SELECT clock_timestamp()")).scalar_one()
    refused = pytest.raises(Conflict, match="the note of this transaction")
    with refused as raised, ledger.write() as conn:
        details.set_note(conn, one, 1, "mine")
    (found,) = raised.value.contested
    assert (found.field, found.mine, found.theirs) == ("note", "mine", "theirs")
    assert (found.who, found.by_role) == ("browser at 10.0.0.7", False)
    assert found.at is not None
    assert began <= found.at <= at
    assert (raised.value.version, raised.value.keep) == (2, {"note": "mine"})
    with ledger.write() as conn:
        role = conn.execute(text("SELECT CAST(session_user AS text)")).scalar_one()
        conn.execute(text("UPDATE transactions SET note = 'psql'"))
    with pytest.raises(Conflict) as raised, ledger.write() as conn:
        details.set_note(conn, one, 1, "mine")
    (found,) = raised.value.contested
    assert (found.who, found.by_role, found.theirs) == (role, True, "psql")


def test_who_insists_keeps_what_only_others_changed(conn: Connection) -> None:
    one = labels.add(conn, "a", "grey")
    labels.edit(conn, one, 1, "b", "red")
    with pytest.raises(Conflict, match="the name of this label") as raised:
        labels.edit(conn, one, 1, "c", "grey")
    assert raised.value.keep == {"label": "c", "colour": "red"}
    assert [each.field for each in raised.value.contested] == ["label"]


def test_contacts_are_contested_by_name(conn: Connection) -> None:
    one = rows.transaction(conn, rows.wallet(conn))
    anna, bob = contacts.add(conn, "Anna"), contacts.add(conn, "Bob")
    assert details.choose_contact(conn, one, 1, anna) == 2
    with pytest.raises(Conflict, match="the contact of this transaction") as raised:
        details.choose_contact(conn, one, 1, bob)
    (found,) = raised.value.contested
    assert (found.field, found.mine, found.theirs) == ("contact", "Bob", "Anna")
    assert details.choose_contact(conn, one, 1, anna) == 2, "both mean the same"
    assert details.choose_contact(conn, one, 1, None) == 2, "nothing was changed"
    with pytest.raises(Conflict):
        details.choose_contact(conn, one, 1, None, meant=True)
    contacts.remove(conn, anna, 1)
    assert details.choose_contact(conn, one, 1, bob) == 4, "nobody is chosen any more"


def test_blanks_that_no_form_keeps_are_no_edit(conn: Connection) -> None:
    one = rows.transaction(conn, rows.wallet(conn), note=" a\r\nb \n")
    conn.execute(text("UPDATE transactions SET type = 'gift'"))
    assert details.set_note(conn, one, 1, "a\nb") == 2
    conn.execute(text("UPDATE transactions SET note = 'theirs'"))
    assert details.set_note(conn, one, 1, "a\nb") == 3
    assert details.one(conn, one).note == "theirs"


# ── Where the log does not reach back ────────────────────────────────────────────────────────


def forget(conn: Connection, where: str) -> None:
    conn.execute(text("SET LOCAL freshledger.pruning = 'on'"))
    conn.execute(text(f"DELETE FROM changes WHERE {where}"))


@pytest.mark.parametrize("part", ["1", "2", "3"])
def test_a_gap_makes_it_a_plain_conflict(conn: Connection, part: str) -> None:
    one = labels.add(conn, "a", "grey")
    for name in "bcd":
        labels.rename(conn, one, labels.get(conn, one).version, name)
    forget(conn, f"relation = 'labels' AND before ->> 'version' = '{part}'")
    with pytest.raises(Conflict, match="changed since you read it") as raised:
        labels.edit(conn, one, 1, "mine", "grey")
    (found,) = raised.value.contested
    assert (found.mine, found.theirs, found.who, found.at) == ("mine", "d", "", None)
    assert (raised.value.version, labels.get(conn, one).name) == (4, "d")


def test_another_row_of_the_same_number_is_none_that_was_read(conn: Connection) -> None:
    one = labels.add(conn, "a", "grey")
    labels.rename(conn, one, 1, "b")
    conn.execute(text("DELETE FROM labels"))
    conn.execute(text(f"INSERT INTO labels (id, name) VALUES ({one}, 'z')"))
    for name in "yx":
        labels.rename(conn, one, labels.get(conn, one).version, name)
    for version in (1, 2):
        with pytest.raises(Conflict):
            labels.recolour(conn, one, version, "red")


def test_an_edit_of_a_row_that_nobody_changed_is_one_statement(ledger: Ledger) -> None:
    from tests.support.statements import recorded

    with recorded(ledger._writing) as sent, ledger.write() as conn:
        one = labels.add(conn, "a")
        before = len(sent)
        labels.edit(conn, one, 1, "b", "red")
        assert len(sent) == before + 1


def test_addresses_are_rows_of_their_own(conn: Connection) -> None:
    """Who adds or takes one away does not mind what else was changed meanwhile."""
    vitalik = ("ethereum", "0xd8da6bf26964af9d7eed9e03e53415d37aa96045")
    for module in (contacts, wallets):
        one = module.add(conn, "a")
        module.rename(conn, one, 1, "b")
        assert module.add_address(conn, one, 1, *vitalik) == 3
        assert module.add_address(conn, one, 1, *vitalik) == 4, "two add the same"
        assert len(module.get(conn, one).addresses) == 1
        assert module.rename(conn, one, 2, "c") == 5
        assert module.remove_address(conn, one, 1, *vitalik) == 6
        with pytest.raises(Conflict):
            module.remove(conn, one, 1)


def test_what_is_the_same() -> None:
    assert merging.same("e\N{COMBINING ACUTE ACCENT}", "\N{LATIN SMALL LETTER E WITH ACUTE}")
    assert not merging.same("a", "A")
