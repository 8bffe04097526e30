"""`freshledger export`: transactions into a file, which appears whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dal import snapshots
from dal.export import export

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import TextIO

    from dal.database import Ledger
    from dal.export import Form
    from dal.filters import Filter
    from dal.keyset import Order


def write(ledger: Ledger, where: Filter, order: Order, form: Form, to: TextIO) -> datetime:
    """Write the transactions of a filter, and return the instant at which they were true.

    Raises:
        NotFound: as `transactions.page`, before anything is written.
    """
    with ledger.snapshot() as conn:
        as_of = snapshots.taken(conn).as_of
        to.writelines(export(conn, where, order, form, as_of=as_of))
    return as_of


@contextmanager
def whole(path: Path) -> Iterator[TextIO]:
    """Yield a file that gets its name when the block has ended well, and is removed otherwise.

    Raises:
        OSError: the file cannot be written there.
    """
    descriptor, waiting = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        Path(waiting).replace(path)
    except BaseException:
        Path(waiting).unlink()
        raise
