"""Text cells to typed values, by a strict grammar: what is not plainly a number is a fault, never a guess.

A number is an optional sign, ASCII digits with at most one point, and an optional exponent; it must be finite. No
hexadecimal, no ``inf`` or ``nan``, no underscores, no digits of other scripts, no thousands separators. Spaces around
it do not count. In text, the bytes are the value: nothing is trimmed, and only a blank cell is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

#: How the absence of a number is spelled, in any case. An empty or blank cell is missing as well.
MISSING_NUMBER = r"(?i)^(na|n/a|nan|null|none|-|\?)?$"
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
INTEGER = r"^[+-]?[0-9]+$"
DECIMAL_COMMA = r"^[+-]?[0-9]+(,[0-9]+)?$"
#: One comma that could as well separate thousands: 1,234. Not 0,123 and not 1234,567.
MAYBE_THOUSANDS = r"^[+-]?[1-9][0-9]{0,2},[0-9]{3}$"
#: Below this each integer is exact as float64; the float of this value may be that of the next integer.
EXACT_INTEGER = 2**53
INT64_MAX = 2**63 - 1

Rows = npt.NDArray[np.int64]


class Commas(StrEnum):
    """What the commas inside a column of numbers mean."""

    NONE = "none"
    DECIMAL = "decimal"
    AMBIGUOUS = "ambiguous"
    """Each comma could be a decimal comma or a thousands separator."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column read as numbers.

    ``values``: float64, null where missing or not a number; ``integers``: the same as int64 where each of them is an
    integer that int64 holds, else None; ``faults``: the rows whose cell is not a finite number, in order.
    """

    values: pa.DoubleArray
    integers: pa.Int64Array | None
    faults: Rows
    commas: Commas = Commas.NONE

    @property
    def present(self) -> int:
        """How many cells are numbers."""
        return int(len(self.values) - self.values.null_count)

    @property
    def largest(self) -> float:
        """The largest absolute value, 0 where there is none."""
        extremes = pc.min_max(self.values).as_py()
        return float(max(abs(extremes["min"] or 0.0), abs(extremes["max"] or 0.0)))


def to_numbers(cells: pa.StringArray) -> Numbers:
    """Read text cells as numbers. A column in which each number has at most a decimal comma is read as such."""
    try:
        values = cells.cast(pa.float64())
    except pa.ArrowInvalid:
        return _patiently(cells)
    # Arrow reads inf, nan and 1e400 without a complaint.
    if pc.all(pc.is_finite(values), min_count=0).as_py():
        return Numbers(values, _integers(cells, values), np.empty(0, np.int64))
    return _patiently(cells)


def to_text(cells: pa.StringArray) -> pa.StringArray:
    """Return the cells as they are, blank ones as null."""
    blank = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(cells), ""), False)
    return pc.if_else(blank, pa.scalar(None, pa.string()), cells) if pc.any(blank).as_py() else cells


def _trimmed(cells: pa.StringArray) -> pa.StringArray:
    """Return numeric cells without the spaces around them, null where the number is missing."""
    bare = pc.utf8_trim_whitespace(cells)
    missing = pc.match_substring_regex(bare, MISSING_NUMBER)
    return pc.if_else(missing, pa.scalar(None, pa.string()), bare)


def _patiently(cells: pa.StringArray) -> Numbers:
    """Read a column that does not convert as it stands: trim, take out what spells missing, mark what is wrong."""
    bare = _trimmed(cells)
    numeric = pc.match_substring_regex(bare, NUMBER)
    commas = Commas.NONE
    if not pc.all(numeric, min_count=0).as_py():
        commas = _commas(bare)
        if commas is Commas.DECIMAL:
            bare = pc.replace_substring(bare, ",", ".")
            numeric = bare.is_valid()
    nothing = pa.scalar(None, pa.string())
    values = pc.if_else(pc.fill_null(numeric, False), bare, nothing).cast(pa.float64())
    finite = pc.fill_null(pc.is_finite(values), False)
    values = pc.if_else(finite, values, pa.scalar(None, pa.float64()))
    faults = pc.and_(bare.is_valid(), values.is_null()).to_numpy(zero_copy_only=False)
    return Numbers(values, _integers(bare, values), np.flatnonzero(faults), commas)


def _commas(bare: pa.StringArray) -> Commas:
    """Say what commas mean, given that the column is not made of plain numbers."""
    if not pc.all(pc.match_substring_regex(bare, DECIMAL_COMMA), min_count=0).as_py():
        return Commas.NONE
    with_comma = bare.filter(pc.match_substring(bare, ","))
    ambiguous = pc.all(pc.match_substring_regex(with_comma, MAYBE_THOUSANDS), min_count=0).as_py()
    return Commas.AMBIGUOUS if ambiguous else Commas.DECIMAL


def _integers(bare: pa.StringArray, values: pa.DoubleArray) -> pa.Int64Array | None:
    """Return the numbers as int64, exactly, or None if one of them is no integer or beyond int64."""
    floats = pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False)
    if not np.array_equal(floats, np.floor(floats)):
        return None
    if not len(floats) or np.abs(floats).max() < EXACT_INTEGER:
        return pa.array(floats.astype(np.int64), mask=values.is_null().to_numpy(zero_copy_only=False))
    # From 2**53 on the text is the only exact source; the odd spelling (1e17) is left a float.
    nothing = pa.scalar(None, pa.string())
    try:
        return pc.if_else(values.is_valid(), pc.utf8_ltrim(bare, "+"), nothing).cast(pa.int64())
    except pa.ArrowInvalid:
        return None
