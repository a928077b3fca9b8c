"""The order of the periods that a time column names."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable

_DIGITS = re.compile(r"([0-9]+)")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
#: Months in a year; years after which the calendar repeats.
_MONTHS, _CYCLE = 12, 400
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]?")

#: Numbers before text; text piece by piece, its digits by value.
PeriodKey = tuple[int, float, tuple[tuple[int, int, str], ...], str]


def period_order(values: Iterable[str]) -> list[str]:
    """Return the distinct periods in their natural order: numbers by value, then text with 2 before 10.

    ISO dates and months come in the order of time. Periods that are equal by value (1 and 01) stay distinct and are
    ordered by their spelling, so that the order never depends on that of the rows.
    """
    return sorted(set(values), key=period_key)


def period_key(value: str) -> PeriodKey:
    """Return what periods are sorted by."""
    bare = value.strip()
    if _NUMBER.fullmatch(bare):
        return (0, float(bare), (), value)
    pieces = tuple(
        # The longer of two digit strings without leading zeros is the greater number, of any length.
        (0, len(piece.lstrip("0")), piece.lstrip("0")) if piece[0] in "0123456789" else (1, 0, piece)
        for piece in _DIGITS.split(bare)
        if piece
    )
    return (1, 0.0, pieces, value)


def is_impossible_date(text: str) -> bool:
    """Whether a text has the ISO form of a date, 2024-02-30, but no calendar has that day.

    ``text`` may end with the blank or the T before a time. Another form is never impossible, it is only text.
    """
    form = _ISO_DATE.fullmatch(text)
    if form is None:
        return False
    year, month, day = (int(part) for part in form.groups())
    if not 1 <= month <= _MONTHS:
        return True
    # Python's calendar begins with the year 1.
    return not 1 <= day <= calendar.monthrange(year % _CYCLE + _CYCLE, month)[1]
