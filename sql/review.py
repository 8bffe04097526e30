"""Hold the plans against those that were reviewed, and the indexes against their laws: as JSON.

    python sql/review.py

`skipped` says why nothing was looked at; else there are

    diff         what differs from sql/plans/
    useless      indexes that no plan needs, and no uniqueness
    unserved     cases of an equality, a date or an order that read a whole table
    undescribed  indexes that docs/indexes.md does not tell as they are
"""

from __future__ import annotations

import json

import deeds
import indexes
import plan


def main() -> dict[str, object]:
    """Return what was found."""
    with plan.generated(plan.ROWS) as ledger, ledger.read() as conn:
        if skipped := plan.unlike(conn):
            return {"skipped": skipped}
        found = plan.answered(conn)
        done = deeds.uses(ledger)
        book = indexes.known(conn, found, done)
    return {
        "diff": plan.differences(plan.written(found)),
        "useless": indexes.useless(book),
        "unserved": indexes.unserved(found),
        "undescribed": indexes.undescribed(book),
    }


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
