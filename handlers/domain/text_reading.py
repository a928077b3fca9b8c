"""Text cells kept as text: the bytes are the value. Nothing is trimmed, and only a blank cell is missing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from handlers.domain.cell_bytes import MAYBE_BLANK, first_octets
from handlers.domain.evidence import MAX_CATEGORIES, Evidence
from handlers.domain.exact_casts import FEW
from handlers.domain.periods import is_impossible_date

#: Cells in which more than the greatest number of categories may show.
_SAMPLE, _MANY = 512, 4096
#: The characters of a date of ISO form, and the one after it, which parts it from the time.
_DATE_CHARACTERS = 11


def to_text(cells: pa.StringArray) -> pa.StringArray:
    """Return the cells as they are, blank ones as null."""
    first = first_octets(cells)
    suspect = MAYBE_BLANK[first]
    if np.count_nonzero(first) + cells.null_count < len(cells):
        suspect |= first == 0
    if not suspect.any():
        return cells
    rows = np.flatnonzero(suspect)
    bare = pc.utf8_trim_whitespace(cells.take(pa.array(rows)))
    blank = np.zeros(len(cells), bool)
    blank[rows] = pc.fill_null(pc.equal(bare, ""), False).to_numpy(zero_copy_only=False)
    return pc.if_else(pa.array(blank), pa.scalar(None, pa.string()), cells) if blank.any() else cells


def text_evidence(values: pa.StringArray) -> Evidence:
    """Return how many texts there are, and which, unless there are more than categories may have."""
    return Evidence(texts=len(values) - values.null_count, distinct=_distinct(values))


def impossible_dates(values: pa.StringArray) -> npt.NDArray[np.bool_] | None:
    """Return bool[n], which cells are dates of ISO form that no calendar has, or None if no cell is one."""
    try:
        values[:FEW].cast(pa.date32())
        values.cast(pa.date32())
    except pa.ArrowInvalid:
        pass
    else:
        return None
    bare = pc.utf8_trim_whitespace(values) if MAYBE_BLANK[first_octets(values)].any() else values
    dates = pc.utf8_slice_codeunits(bare, 0, _DATE_CHARACTERS).dictionary_encode()
    impossible = [is_impossible_date(text) for text in dates.dictionary.to_pylist()]
    if not any(impossible):
        return None
    # The last entry is what a null cell's index (-1) finds.
    codes: npt.NDArray[np.int32] = pc.fill_null(dates.indices, -1).to_numpy(zero_copy_only=False)
    return np.array([*impossible, False])[codes]


def _distinct(values: pa.StringArray) -> frozenset[str] | None:
    for some in (values[:_SAMPLE] if len(values) > _MANY else values, values):
        different = some.unique()
        if len(different) - different.null_count > MAX_CATEGORIES:
            return None
        if len(some) == len(values):
            break
    return frozenset(different.drop_null().to_pylist())
