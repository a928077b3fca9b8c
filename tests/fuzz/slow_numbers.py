"""How the slow reader reads numbers: each way of writing them by itself, without regular expressions for values."""

from __future__ import annotations

import math
from dataclasses import dataclass

MISSING = ("", "na", "n/a", "nan", "null", "none", "-", "?")
DIGITS = frozenset("0123456789")
EXACT = 2**53
INT64 = 2**63
Style = tuple[str, str]
#: What stands between thousands, and before decimals, in the order of preference.
STYLES = (
    ("", "."),
    ("", ","),
    (",", "."),
    (".", ","),
    (" \u00a0\u202f", "."),
    (" \u00a0\u202f", ","),
    ("'\u2019", "."),
    ("'\u2019", ","),
)
PLAIN, DECIMAL_COMMA, COMMAS, POINTS = STYLES[:4]
LONGEST_SEPARATED = 300


class Ambiguous(Exception):
    """Two ways of writing fit all numbers of a column, and differ in value."""


@dataclass(frozen=True, slots=True)
class Number:
    """``digits``: as plain text, with a point before decimals and nothing between thousands."""

    digits: str

    @property
    def value(self) -> float:
        return float(self.digits)

    @property
    def integer(self) -> int | None:
        """As an exact integer of 64 bits; beyond 2^53 only where it is written as one."""
        if self.is_whole:
            exact = int(self.digits) if len(self.digits) < LONGEST_SEPARATED else INT64
            return exact if -INT64 <= exact < INT64 else None
        return int(self.value) if self.value == math.floor(self.value) and abs(self.value) < EXACT else None

    @property
    def is_whole(self) -> bool:
        return not set(self.digits) - DIGITS - set("+-")


def is_missing(cell: str) -> bool:
    return cell.strip().lower() in MISSING


def read(cell: str, style: Style) -> Number | None:
    """The number that a cell is in a style; None where it is none."""
    text = cell.strip()
    between, mark = style
    digits = bare(text, mark)
    if digits is not None:
        found = Number(digits)
    else:
        grouped = _grouped(text, between, mark)
        if grouped is None:
            return None
        found = Number(grouped)
    if style != PLAIN and not _is_plain(text) and len(text.encode()) > LONGEST_SEPARATED:
        return None
    return found if math.isfinite(found.value) else None


def _is_plain(text: str) -> bool:
    return bare(text, ".") is not None


def _all_digits(text: str) -> bool:
    return bool(text) and set(text) <= DIGITS


def bare(text: str, mark: str) -> str | None:
    """As plain digits, what has nothing between its thousands."""
    sign, rest = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    if mark == ",":
        whole, comma, fraction = rest.partition(",")
        fits = _all_digits(whole) and (_all_digits(fraction) if comma else True)
        return f"{sign}{whole}.{fraction}" if fits and comma else sign + whole if fits else None
    mantissa, exponent = rest, ""
    for letter in "eE":
        if letter in rest:
            mantissa, _, exponent = rest.partition(letter)
            power = exponent[1:] if exponent[:1] in ("+", "-") else exponent
            if not _all_digits(power):
                return None
            break
    whole, _, fraction = mantissa.partition(".")
    fits = (_all_digits(whole) and (not fraction or _all_digits(fraction))) or (not whole and _all_digits(fraction))
    return text if fits else None


def _grouped(text: str, between: str, mark: str) -> str | None:
    """As plain digits, what has one of these marks before each three digits of its whole part."""
    sign, rest = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    whole, has_mark, fraction = rest.partition(mark)
    if has_mark and not _all_digits(fraction):
        return None
    groups = [""]
    for character in whole:
        if between and character in between:
            groups.append("")
        else:
            groups[-1] += character
    first, others = groups[0], groups[1:]
    if not others or not 1 <= len(first) <= 3 or not all(map(_all_digits, groups)) or first.startswith("0"):
        return None
    if any(len(group) != 3 for group in others):
        return None
    return sign + "".join(groups) + (f".{fraction}" if has_mark else "")


def numbers_of(cells: list[str]) -> list[str]:
    """The cells that are numbers in any style."""
    return [cell for cell in cells if not is_missing(cell) and any(read(cell, style) for style in STYLES)]


def styles_of(cells: list[str]) -> list[Style]:
    """The styles that read all cells which are numbers in any of them."""
    numbers = numbers_of(cells)
    return [style for style in STYLES if all(read(cell, style) for cell in numbers)]


def style_of(cells: list[str]) -> Style:
    """The style of a column. Raises Ambiguous."""
    possible = styles_of(cells)
    if PLAIN in possible or not possible:
        return PLAIN
    if COMMAS in possible and (DECIMAL_COMMA in possible or POINTS in possible):
        raise Ambiguous
    return possible[0]


def may_be_grouped(cells: list[str]) -> bool:
    """Whether there are points in the numbers of a column, each of which could stand between thousands."""
    possible = styles_of(cells)
    return PLAIN in possible and POINTS in possible and DECIMAL_COMMA not in possible
