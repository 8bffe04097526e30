"""How many there are, in words that claim no more than is known.

84,211 transactions             counted, all of them
more than 1,000 transactions    counted up to there
about 1.2 million               estimated; two digits of it are worth saying
"""

from __future__ import annotations

from webapp.template_filters import count

NAMES = ((10**9, "billion"), (10**6, "million"))


def counted(found: int, most: int, noun: str = "transaction") -> str:
    """Return what a count says that stops behind `most`.

    >>> counted(1, 1000), counted(1000, 1000), counted(1001, 1000)
    ('1 transaction', '1,000 transactions', 'more than 1,000 transactions')
    """
    return count(found, noun) if found <= most else f"more than {count(most, noun)}"


def about(number: int) -> str:
    """Return an estimate, rounded to two digits.

    >>> about(34_217), about(1_249_999), about(999_999)
    ('about 34,000', 'about 1.2 million', 'about 1 million')
    """
    rounded = two_digits(number)
    for unit, name in NAMES:
        if rounded >= unit:
            whole, tenths = divmod(rounded * 10 // unit, 10)
            return f"about {whole:,}{f'.{tenths}' * bool(tenths)} {name}"
    return f"about {rounded:,}"


def two_digits(number: int) -> int:
    """Return a number without what lies behind its first two digits, the nearest such.

    >>> two_digits(99), two_digits(994), two_digits(995), two_digits(1_250_000)
    (99, 990, 1000, 1300000)
    """
    step = int("1" + "0" * (len(str(number)) - 2))
    return (number + step // 2) // step * step
