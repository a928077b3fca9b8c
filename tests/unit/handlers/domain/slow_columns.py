"""A second, slow and plain opinion on what a column of cells is: pure Python, cell by cell, none of the fast code."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from dataclasses import dataclass

MISSING = ("", "na", "n/a", "nan", "null", "none", "-", "?")
#: Each way of writing numbers: what may stand between thousands, and the decimal mark. The first that fits is meant.
STYLES = {
    "plain": ("", "."),
    "1234,5": ("", ","),
    "1,234.5": (",", "."),
    "1.234,5": (".", ","),
    "1 234.5": (" \u00a0\u202f", "."),
    "1 234,5": (" \u00a0\u202f", ","),
    "1'234.5": ("'\u2019", "."),
    "1'234,5": ("'\u2019", ","),
}


@dataclass(frozen=True)
class SlowColumn:
    """``style``: None where two fit and differ; ``faults``: rows; ``texts``: the numbers as plain text."""

    style: str | None
    values: list[float | None]
    faults: list[int]
    texts: list[str | None]
    junk: list[int]

    @property
    def are_integers(self) -> bool:
        """Whether each number is an integer that int64 holds exactly."""
        return all(text is None or as_integer(text) is not None for text in self.texts)

    @property
    def are_digits(self) -> bool:
        return all(text is None or is_digits(text.lstrip("+-")) for text in self.texts)

    @property
    def have_leading_zeros(self) -> bool:
        bare = (text.lstrip("+-") for text in self.texts if text is not None)
        return any(len(text) > 1 and text[0] == "0" and is_digits(text) for text in bare)


def is_digits(text: str) -> bool:
    return bool(text) and all(letter in string.digits for letter in text)


def as_integer(text: str) -> int | None:
    value = float(text)
    if abs(value) < 2**53:
        return int(value) if value.is_integer() else None
    if not is_digits(text.lstrip("+-")):
        return None
    exact = int(text)
    return exact if -(2**63) <= exact < 2**63 else None


def written_plainly(cell: str, style: str) -> str | None:
    """A number of a style as Python's float reads it, None where the cell is no finite number of the style."""
    marks, decimal = STYLES[style]
    sign, body = (cell[0], cell[1:]) if cell[:1] in ("+", "-") and cell else ("", cell)
    head, point, tail = body.partition(decimal)
    if any(mark in head for mark in marks):
        for mark in marks:
            head = head.replace(mark, "|")
        first, *groups = head.split("|")
        sound = 1 <= len(first) <= 3 and not first.startswith("0") and all(len(group) == 3 for group in groups)
        if not sound or not all(map(is_digits, [first, *groups])) or (point and not is_digits(tail)):
            return None
        plain = sign + first + "".join(groups) + ("." + tail if point else "")
    elif decimal == ",":
        if not is_digits(head) or (point and not is_digits(tail)):
            return None
        plain = sign + head + ("." + tail if point else "")
    else:
        mantissa, e, exponent = body.replace("E", "e").partition("e")
        whole, _, fraction = mantissa.partition(".")
        exponent = exponent[1:] if exponent[:1] in ("+", "-") and exponent else exponent
        if not is_digits(whole + fraction) or (e and not is_digits(exponent)):
            return None
        return cell if math.isfinite(float(cell)) else None
    return plain if math.isfinite(float(plain)) else None


def read_slowly(cells: Sequence[str | None]) -> SlowColumn:
    """Read a column of numbers: in the one style that fits whatever is a number in any style."""
    bare = [None if cell is None or cell.strip().casefold() in MISSING else cell.strip() for cell in cells]
    ways = [{} if cell is None else _ways(cell) for cell in bare]
    numbers = [way for way in ways if way]
    junk = [row for row, (cell, way) in enumerate(zip(bare, ways, strict=True)) if cell is not None and not way]
    fitting = [style for style in STYLES if all(style in way for way in numbers)]
    style: str | None = "plain"
    if "plain" not in fitting and fitting:
        # Two styles that fit and give another value to any cell: nobody knows.
        values = {tuple(float(way[fit]) for way in numbers) for fit in fitting}
        style = fitting[0] if len(values) == 1 else None
    texts = [way.get(style) if style else None for way in ways]
    return SlowColumn(
        style,
        [None if text is None else float(text) for text in texts],
        [row for row, (cell, text) in enumerate(zip(bare, texts, strict=True)) if cell is not None and text is None],
        texts,
        junk,
    )


def _ways(cell: str) -> dict[str, str]:
    """All ways to read a cell as a number, if it is one. What is plain but not finite, 1e400, is none in any."""
    if len(cell) > 300 and written_plainly(cell, "plain") is None:
        return {}
    found = {style: written_plainly(cell, style) for style in STYLES}
    return {style: plain for style, plain in found.items() if plain is not None}
