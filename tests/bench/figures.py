"""Medians, spreads and ratios, and the tables that show them."""

from __future__ import annotations

from statistics import median, quantiles
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Times = Mapping[tuple[str, str], Sequence[float]]


def spread(seconds: Sequence[float]) -> tuple[float, float]:
    """Return the quartiles: half of all calls took between the two.

    >>> spread([1, 2, 3, 4, 5]), spread([1])
    ((2.0, 4.0), (1, 1))
    """
    if len(seconds) == 1:
        return seconds[0], seconds[0]
    low, _, high = quantiles(seconds, n=4, method="inclusive")
    return low, high


def shown(seconds: float) -> str:
    """Return milliseconds as one reads them.

    >>> shown(0.00213), shown(0.0213), shown(2.13)
    ('2.1', '21', '2,130')
    """
    ms = seconds * 1_000
    return f"{ms:.1f}" if ms < 10 else f"{ms:,.0f}"


def ratio(seconds: float, reference: float) -> str:
    """Return how many times longer something takes.

    >>> ratio(2, 1), ratio(25, 1), ratio(1400, 1)
    ('2.00', '25.0', '1,400')
    """
    times = seconds / reference
    return f"{times:.2f}" if times < 10 else f"{times:.1f}" if times < 100 else f"{times:,.0f}"


def cell(seconds: Sequence[float], reference: float) -> str:
    """Return the ratio, the median and the spread.

    >>> cell([0.002, 0.003, 0.004], 0.001)
    '**3.00** · 3.0 (2.5-3.5)'
    """
    middle, (low, high) = median(seconds), spread(seconds)
    return f"**{ratio(middle, reference)}** · {shown(middle)} ({shown(low)}-{shown(high)})"


def table(times: Times, names: Sequence[str], places: Sequence[str], reference: str) -> list[str]:
    """Return a table in Markdown: a line per name, a column per place.

    Args:
        times: seconds by name and place.
        names: in the order of the lines.
        places: in the order of the columns.
        reference: whose median is 1.00 in each column.
    """
    lines = [f"| | {' | '.join(places)} |", f"|---|{'---|' * len(places)}"]
    for name in names:
        cells = (
            cell(times[name, place], median(times[reference, place]))
            if (name, place) in times
            else ""
            for place in places
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines
