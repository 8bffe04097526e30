"""How a page of a filter is found, and why so: in words, for whoever tunes it.

The reasons in short; `dal.search` has the steps and `dal.facets` what finds each condition.

- Nothing to find by (no condition, days, negated ones): the index on time is walked. Few rows miss.
- A hash: its index has a row or two.
- One list (`wallet`, `type`, `asset`, `label`, …): read from where the reader stands, in order. It
  costs the same for common and rare values, new and old ones.
- Two lists or three: PostgreSQL cannot know which is the shorter one here, or that they never meet;
  its naive plan took up to 2 s where this takes milliseconds. So each is looked at first, and what
  stands in two of them is found by hashing their ids.
- A range of amounts, or words: their index knows no time. Common ones are met soon along another
  list or along time itself; if not, what their index has is looked up in that list, and sorted.
- In the order of amounts no list helps: what is rare is sorted, what is common is met soon.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dal.crossing import FEW, LONG
from dal.filters import finders
from dal.ranking import SORTED
from dal.search import ENDING, NEAR, PROBED, WORTH
from dal.slices import WEIGHED
from dal.steps import FIRST
from dal.ways import SPARSER

if TYPE_CHECKING:
    from dal.filters import Finders, Shape
    from dal.keyset import Order


#: What no list finds, and what finds few.
SEARCHED = ("text", "amount", "direction", "has")
HELPFUL = ("date", "label", "contact", "wallet", "asset")


def why(shape: Shape, order: Order) -> tuple[str, ...]:
    """Return how a page of a filter of that shape is found, a reason a line."""
    by = finders(shape)
    if by.unique:
        return ("The hash's own index finds the few rows that there can be; they are sorted.",)
    if not by.lists and not by.sets:
        walked = f"the index on {_column(order)} is walked, and each row is asked."
        return (f"No condition has a list: {walked}",)
    if not order.is_by_time:
        return _ranked(by)
    return (*_listed(by), *_with_sets(by))


def narrower(shape: Shape) -> tuple[str, str]:
    """Return which condition of a filter makes a page of it slow, and what would help.

    Args:
        shape: of a filter that asks for something.
    """
    by = finders(shape)
    hard = [key for key, negated, _ in shape if key in SEARCHED or negated]
    key = (hard or [key for key, *_ in shape])[0]
    asked = {each.key for each in by.lists} | {key for key, *_ in shape}
    more = [each for each in HELPFUL if each not in asked]
    return key, f"add what narrows it: {', '.join(more)}; or ask for less at once"


def _column(order: Order) -> str:
    return "time" if order.is_by_time else "amount"


def _names(by: Finders) -> str:
    return ", ".join(each.key for each in by.lists[:WEIGHED])


def _listed(by: Finders) -> tuple[str, ...]:
    if not by.lists:
        return ("No condition has a list: time itself is walked.",)
    if len(by.lists) == 1:
        read = f"The list of {_names(by)} is read in order from the place of the page."
        asked = "What its index does not tell for certain is asked of the transaction."
        return (read, asked) if by.sole and by.sole.certain else (read,)
    looked = (
        f"The lists of {_names(by)} are looked at where all have begun, {PROBED} entries far; where"
        " the first of them ends, the search does."
    )
    taken = (
        f"The sparsest leads, {FIRST} entries at first, then more at a time. They are intersected"
        f" with the next one's, unless it is {SPARSER} times as sparse: it leads alone."
    )
    rest = ", ".join(each.key for each in by.lists[WEIGHED:])
    left = f"What is asked of {rest} is only asked of what these find."
    return (looked, taken, left) if rest else (looked, taken)


def _with_sets(by: Finders) -> tuple[str, ...]:
    if not by.sets:
        return ()
    keys = " and ".join(f"{each.key} ({each.most:,} at most)" for each in by.sets)
    settled = (
        f"After {NEAR:,} entries it is settled: if more than {WORTH:,} had to be asked, going by"
        f" these, and the list does not end within {ENDING:,}, the index of {keys} is read whole."
    )
    looked_up = (
        f"If that is more than {FEW:,}, the list's next {LONG:,} entries of the same time are"
        " looked up in it, step by step; what lies beyond is sorted and fetched."
    )
    return settled, looked_up


def _ranked(by: Finders) -> tuple[str, ...]:
    listed = f"one of {_names(by)}, or a set" if by.lists else "a set"
    sort = f"{listed}, of at most {SORTED:,} is fetched and sorted"
    return (f"Sorted by amount no list helps: {sort}; else the index on amounts is walked.",)
