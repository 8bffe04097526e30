"""Labels: coloured words, many on a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Select,
    Text,
    any_,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from dal import edits, history, tables
from dal.errors import BadValue, NotFound
from dal.records import Colour, Label

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from sqlalchemy import ColumnElement, Connection

    from dal.moments import History

COLOURS: tuple[Colour, ...] = get_args(Colour)
labels, hung = tables.labels, tables.transaction_labels


def all(conn: Connection) -> tuple[Label, ...]:  # noqa: A001 (labels.all reads as it should)
    """Return every label by name, with the number of its transactions."""
    return tuple(Label(*row) for row in conn.execute(all_statement()))


def histories(conn: Connection) -> Mapping[int, History]:
    """Return what happened to each label, by id."""
    return history.of_all(conn, labels)


def all_statement() -> Select[Any]:
    """Return the statement of `all`."""
    counts = (
        select(hung.c.label_id, func.count().label("transactions"))
        .group_by(hung.c.label_id)
        .subquery("counts")
    )
    return (
        select(
            labels.c.id,
            labels.c.name,
            cast(labels.c.colour, Text),
            labels.c.version,
            func.coalesce(counts.c.transactions, 0),
        )
        .outerjoin(counts, counts.c.label_id == labels.c.id)
        .order_by(func.lower(labels.c.name))
    )


def get(conn: Connection, label_id: int) -> Label:
    """Return one label.

    Raises:
        NotFound: there is none of that id.
    """
    row = conn.execute(all_statement().where(edits.is_row(labels, label_id))).first()
    if row is None:
        raise NotFound("label", label_id)
    return Label(*row)


def add(conn: Connection, name: str, colour: str = "grey") -> int:
    """Create a label and return its id.

    Raises:
        BadValue: the name or the colour cannot be stored.
        Conflict: there is one of that name, in whatever case.
    """
    values = {"name": edits.name("label", name), "colour": known_colour(colour)}
    with edits.unique(f"a label {values['name']!r}"):
        new = insert(labels).values(values).returning(labels.c.id)
        return int(conn.execute(new).scalar_one())


def named(conn: Connection, name: str, colour: str = "grey") -> tuple[int, int]:
    """Return id and version of the label of that name, which is created if there is none.

    Raises:
        BadValue: the name or the colour cannot be stored.
    """
    colour = known_colour(colour)
    row, _ = edits.named(conn, labels, name=edits.name("label", name), colour=colour)
    return row.id, row.version


def rename(conn: Connection, label_id: int, version: int, name: str) -> int:
    """Rename a label; all its transactions show the new name at once. Returns its new version.

    Raises:
        BadValue, NotFound, Conflict: as `add` and `edits.edit`.
    """
    name = edits.name("label", name)
    with edits.unique(f"a label {name!r}"):
        return edits.edit(conn, labels, label_id, version, name=name)


def recolour(conn: Connection, label_id: int, version: int, colour: str) -> int:
    """Give a label another colour. Returns its new version.

    Raises:
        BadValue, NotFound, Conflict: as `add` and `edits.edit`.
    """
    return edits.edit(conn, labels, label_id, version, colour=known_colour(colour))


def edit(conn: Connection, label_id: int, version: int, name: str, colour: str) -> int:
    """Change name and colour of a label, those of the two that are others. Returns its new version.

    Raises:
        BadValue, NotFound, Conflict: as `add` and `edits.edit`.
    """
    values = {"name": edits.name("label", name), "colour": known_colour(colour)}
    with edits.unique(f"a label {values['name']!r}"):
        return edits.edit(conn, labels, label_id, version, **values)


def merge(conn: Connection, label_id: int, version: int, into: int) -> int:
    """Hang the label `into` wherever this one hangs, and remove this one.

    Returns:
        The number of transactions that newly bear `into`.

    Raises:
        BadValue: it would be merged into itself.
        NotFound, Conflict: as `edits.edit`.
    """
    if label_id == into:
        raise BadValue("into", "choose another label than the one that goes")
    _lock(conn, label_id, into)
    edits.check(conn, labels, label_id, version)
    get(conn, into)
    bearing = select(hung.c.transaction_id, literal(into), hung.c.occurred_at)
    moved = _hang(conn, bearing.where(hung.c.label_id == label_id))
    conn.execute(delete(labels).where(labels.c.id == label_id))
    return moved


def _lock(conn: Connection, *label_ids: int) -> None:
    """Lock labels in one order, whoever asks: two who merge crosswise would wait for each other."""
    which = _among(labels.c.id, label_ids)
    conn.execute(select(labels.c.id).where(which).order_by(labels.c.id).with_for_update()).all()


def _hang(conn: Connection, what: Select[Any]) -> int:
    """Store the rows of `what` that are not there yet, and return their number."""
    columns = ["transaction_id", "label_id", "occurred_at"]
    new = upsert(hung).from_select(columns, what).on_conflict_do_nothing()
    return conn.execute(new.execution_options(preserve_rowcount=True)).rowcount


def remove(conn: Connection, label_id: int, version: int) -> None:
    """Remove a label from the ledger and from all its transactions.

    Raises:
        NotFound, Conflict: as `edits.edit`.
    """
    edits.check(conn, labels, label_id, version)
    conn.execute(delete(labels).where(labels.c.id == label_id))


def attach(conn: Connection, label_id: int, version: int, transaction_ids: Collection[int]) -> int:
    """Hang a label on many transactions; where it hangs already, it stays.

    A label is a row of its own beside the transaction, so two people who label one transaction
    never overwrite each other; what can have changed meanwhile is the label, hence its version.

    Returns:
        The number of transactions that newly bear it; ids that do not exist are passed over.

    Raises:
        NotFound, Conflict: the label is gone, or no longer what it was when it was read.
    """
    edits.check(conn, labels, label_id, version)
    tx = tables.transactions
    meant = (
        select(tx.c.id, literal(label_id), tx.c.occurred_at)
        .where(_among(tx.c.id, transaction_ids))
        .order_by(tx.c.id)
        .with_for_update(read=True, key_share=True)  # neither gone nor moved in time meanwhile
    )
    return _hang(conn, meant)


def _among(column: ColumnElement[int], ids: Collection[int]) -> ColumnElement[bool]:
    """Return the condition of being one of any number of ids: an array is one parameter."""
    possible = sorted({each for each in ids if edits.is_possible(each, BigInteger())})
    return column == any_(literal(possible, ARRAY(BigInteger)))


def detach(conn: Connection, label_id: int, version: int, transaction_ids: Collection[int]) -> int:
    """Take a label off many transactions. Returns the number that bore it.

    Raises:
        NotFound, Conflict: as `attach`.
    """
    edits.check(conn, labels, label_id, version)
    return conn.execute(
        delete(hung).where(
            hung.c.label_id == label_id, _among(hung.c.transaction_id, transaction_ids)
        )
    ).rowcount


def known_colour(text: str) -> Colour:
    """Return a colour of the palette.

    Raises:
        BadValue: it is none.
    """
    for colour in COLOURS:
        if colour == text:
            return colour
    raise BadValue("colour", f"{text[:40]!r} is none of {', '.join(COLOURS)}")
