"""What is said to the sender of a file about a column: the guess that was made, or why none was."""

from __future__ import annotations

import re
from typing import Final

from handlers.domain.files import Reason
from handlers.domain.number_styles import NUMBER, NumberStyle

#: From this part of numbers on, a column of text deserves a word.
MOSTLY = 0.9
#: Characters of a cell that are shown.
SHOWN_CHARACTERS = 50

_STYLES: Final = {
    NumberStyle.PLAIN: "has plain numbers",
    NumberStyle.DECIMAL_COMMA: "has decimal commas",
    NumberStyle.COMMAS: "has commas between thousands (1,234.5)",
    NumberStyle.POINTS: "has decimal commas, and points between thousands (1.234,5)",
    NumberStyle.SPACES: "has spaces between thousands (1 234.5)",
    NumberStyle.SPACES_COMMA: "has decimal commas, and spaces between thousands (1 234,5)",
    NumberStyle.APOSTROPHES: "has apostrophes between thousands (1'234.5)",
    NumberStyle.APOSTROPHES_COMMA: "has decimal commas, and apostrophes between thousands (1'234,5)",
}
_SIGNS = "$€£¥₣₤₦₩₪₫₭₮₱₲₴₵₸₹₺₽₾₿%‰"
_DIGITS = r"[0-9][0-9.,'\s]*"
#: What a person would call a number, though it is none here: with a currency, hexadecimal, infinite, too large.
_ALMOST = re.compile(
    rf"[+-]?\s*[{_SIGNS}]\s*[+-]?{_DIGITS}|[+-]?{_DIGITS}[{_SIGNS}]|[+-]?0x[0-9a-f]+|[+-]?inf(inity)?"
    rf"|[+-]?[0-9]+(_[0-9]+)+|[+-]?\d+[.,]?\d*|{NUMBER}",
    re.IGNORECASE,
)
_WRITE_PLAINLY = "Write numbers with a decimal point and without thousands separators."


def style_notes(name: str, style: NumberStyle) -> tuple[str, ...]:
    """Say how numbers are written where that is not the plain way."""
    return () if style is NumberStyle.PLAIN else (f"Column {name!r} {_STYLES[style]}.",)


def code_note(name: str) -> str:
    """Say that digits name something rather than count it."""
    return f"Column {name!r} was taken as text: its digits are a code (leading zeros, or too many of them)."


def mostly_note(name: str, read: int, faults: int, first: str) -> tuple[str, ...]:
    """Say which cell has made text of a column of numbers, if most are numbers."""
    if read < MOSTLY * (read + faults):
        return ()
    return (
        f"Column {name!r} was taken as text because of {faults} cells that are no numbers, the first"
        f" being {first[:SHOWN_CHARACTERS]!r}; dataset.columns can make it a number.",
    )


def almost_note(name: str, first: str) -> tuple[str, ...]:
    """Say why cells that a person may call numbers are text, such as $5, 5%, 0x1F, 1_000."""
    if not _ALMOST.fullmatch(first.strip()):
        return ()
    return (
        f"Column {name!r} was taken as text because of cells such as {first[:SHOWN_CHARACTERS]!r}: a number is digits,"
        " a sign and a decimal mark, and nothing else.",
    )


def ambiguous(name: str) -> Reason:
    """Refuse numbers of which each could be read in two ways."""
    what = f"Column {name!r} holds numbers like 1,234: the comma may be a decimal comma or separate thousands."
    return Reason("ambiguous_numbers", what, _WRITE_PLAINLY)


def points_beside_commas(name: str, with_commas: str) -> Reason:
    """Refuse numbers that have points in a file that has decimal commas elsewhere."""
    what = f"Column {name!r} holds numbers like 1.234, and column {with_commas!r} has decimal commas:"
    return Reason(
        "ambiguous_numbers", f"{what} the point may be a decimal point or separate thousands.", _WRITE_PLAINLY
    )


def too_wide(name: str, limit: int) -> Reason:
    """Refuse that integers become numbers where some of them would change."""
    what = f"Column {name!r} held integers so far; this file needs numbers with fractions or beyond 64 bits,"
    what += f" but there are values from {limit} on that would change."
    return Reason("widening", what, f"Correct the column, or make it text: dataset.columns.{name} = text.")
