"""Plain numbers from text by Arrow's own casts, and what has to be looked at after them to be sure.

Arrow reads 0x1F as an integer, and inf, nan and 1e400 as floats, without a complaint; it trims nothing.
"""

from __future__ import annotations

import math
import re
from enum import Enum
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from handlers.domain.cell_bytes import first_octets, offsets_of, text_of
from handlers.domain.number_styles import NUMBER

#: Below this each integer is exact as float64; the float of this value may be that of the next integer.
EXACT_INTEGER = 2**53
LEADING_ZERO = r"^[+-]?0[0-9]+$"
#: Cells that are looked at before all are, and cells that are worth a second such look.
VERY_FEW, FEW, MANY = 8, 64, 2048
_ARROW_INTEGER = re.compile("-?[0-9]+")
_NUMBER = re.compile(NUMBER)

Rows = npt.NDArray[np.int64]
NO_ROWS: Final[Rows] = np.empty(0, np.int64)


class Glance(Enum):
    """What the first cells of a column look like."""

    INTEGERS = "integers"
    NUMBERS = "numbers"
    OTHER = "other"


def glance(cells: pa.StringArray) -> Glance:
    """Look at a few cells: a cast that fails costs more than one that does not, and more with each cell it fails at."""
    seen = Glance.INTEGERS
    for text in cells[:VERY_FEW].to_pylist():
        if text is None or _ARROW_INTEGER.fullmatch(text):
            continue
        if not _NUMBER.fullmatch(text):
            return Glance.OTHER
        seen = Glance.NUMBERS
    return seen


def arrow_integers(cells: pa.StringArray) -> pa.Int64Array | None:
    """Return cells as int64, None if one of them is not written as an integer that int64 holds."""
    values = _cast(cells, pa.int64())
    # In nothing else that Arrow reads as an integer than in hexadecimal is a byte beyond the digits.
    return None if values is None or text_of(cells).max(initial=0) > ord("9") else values


def arrow_floats(cells: pa.StringArray) -> pa.DoubleArray | None:
    """Return cells as float64, None if one of them is no plain finite number."""
    values = _cast(cells, pa.float64())
    return None if values is None or not math.isfinite(largest_of(values)) else values


def decimal_commas(cells: pa.StringArray) -> pa.StringArray | None:
    """Return numbers with decimal commas as plain ones, None if a cell may be no such number.

    Each has an optional sign, digits, and at most one comma with digits before and after it. At least one has a comma.
    """
    text, offsets = text_of(cells), offsets_of(cells)
    offsets = offsets - offsets[0]
    commas = text == ord(",")
    at = np.flatnonzero(commas)
    # Beyond the digits are the letters of exponents, inf and nan. What else is wrong, a cast will find.
    if not len(at) or text.max() > ord("9") or (text == ord(".")).any():
        return None
    edges = np.zeros(len(text) + 1, bool)
    edges[offsets] = True
    if edges[at].any() or edges[at + 1].any() or not (text[at - 1] >= ord("0")).all():
        return None
    points = np.where(commas, np.uint8(ord(".")), text)
    validity = cells.is_valid().buffers()[1] if cells.null_count else None
    octets = (pa.py_buffer(offsets), pa.py_buffer(points))
    return pa.StringArray.from_buffers(len(cells), *octets, validity, cells.null_count)


def largest_of(values: pa.Array) -> float:
    """Return the largest absolute value of what was cast from text; it is not finite where one of them is not."""
    if not len(values):
        return 0.0
    numbers = _buffer(values)
    return max(float(numbers.max()), -float(numbers.min()))


def exact_integers(source: pa.StringArray, values: pa.DoubleArray, largest: float) -> pa.Int64Array | None:
    """Return floats as int64, exactly, or None if one of them is no integer, or beyond what float64 or its text says.

    ``source``: the text that the values were cast from; ``largest``: their largest absolute value. From 2**53 on the
    text is the only exact source, and has to be digits alone: 1e17 is left a float.
    """
    floats = _buffer(values)
    if not (np.array_equal(floats[:FEW], np.floor(floats[:FEW])) and np.array_equal(floats, np.floor(floats))):
        return None
    absent = values.is_null().to_numpy(zero_copy_only=False)
    if largest < EXACT_INTEGER:
        return pa.array(floats.astype(np.int64), mask=absent)
    beyond = np.abs(floats) >= EXACT_INTEGER
    rows = np.flatnonzero(beyond)
    try:
        exact = pc.utf8_ltrim(source.take(pa.array(rows)), "+").cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    integers = np.where(beyond, 0, floats).astype(np.int64)
    integers[rows] = exact.to_numpy()
    return pa.array(integers, mask=absent)


def is_whole(source: pa.StringArray) -> bool:
    """Whether plain numbers are written as digits alone, without a point or an exponent."""
    text = text_of(source)
    if b"." in text[:FEW].tobytes():
        return False
    octets = text.tobytes()
    return b"." not in octets and b"e" not in octets and b"E" not in octets


def has_codes(cells: pa.StringArray) -> bool:
    """Whether digits have leading zeros in a cell: 007, not 0 and not 0.7."""
    first = first_octets(cells)
    offsets = offsets_of(cells)
    suspect = np.flatnonzero(((first == ord("0")) | (first < ord("."))) & (offsets[1:] - offsets[:-1] > 1))
    if not len(suspect):
        return False
    return bool(pc.any(pc.match_substring_regex(cells.take(pa.array(suspect)), LEADING_ZERO)).as_py())


def _cast(cells: pa.StringArray, kind: pa.DataType) -> pa.Array | None:
    try:
        if len(cells) > MANY:
            cells[:FEW].cast(kind)
        return cells.cast(kind)
    except pa.ArrowInvalid:
        return None


def _buffer(values: pa.Array) -> npt.NDArray[np.float64 | np.int64]:
    """Return what a cast from text has made, without a copy. Where there is no value, it has put 0."""
    kind = np.int64 if values.type == pa.int64() else np.float64
    return np.frombuffer(values.buffers()[1], kind, len(values), 8 * values.offset)
