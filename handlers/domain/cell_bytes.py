"""The bytes behind text cells: what can be seen at a glance, without a look at each cell.

Cells are such as the CSV reader makes: a null one has no bytes. Slices are honoured.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Offsets = npt.NDArray[np.int32]
Octets = npt.NDArray[np.uint8]


def offsets_of(cells: pa.StringArray) -> Offsets:
    """Return int32[n + 1]: where each cell begins and ends in the buffer of the text."""
    return np.frombuffer(cells.buffers()[1], np.int32, len(cells) + 1, 4 * cells.offset)


def text_of(cells: pa.StringArray) -> Octets:
    """Return uint8: the bytes of the cells, one after the other."""
    data = cells.buffers()[2]
    if data is None or not len(cells):
        return np.empty(0, np.uint8)
    offsets = offsets_of(cells)
    return np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]


def first_octets(cells: pa.StringArray) -> Octets:
    """Return uint8[n]: the first byte of each cell, 0 for an empty or a null one."""
    octets = text_of(cells)
    if not len(octets):
        return np.zeros(len(cells), np.uint8)
    offsets = offsets_of(cells)
    starts = offsets[:-1] - offsets[0] if offsets[0] else offsets[:-1]
    first = octets.take(starts, mode="clip")
    empty = offsets[:-1] == offsets[1:]
    if empty.any():
        first[empty] = 0
    return first


def marked(octets: bytes) -> npt.NDArray[np.bool_]:
    """Return bool[256]: which bytes are among some."""
    marks = np.zeros(256, bool)
    marks[list(octets)] = True
    return marks


#: The first bytes of a cell that may be blank: those of ASCII spaces and controls, and of the other spaces.
MAYBE_BLANK: Final = marked(bytes([*range(1, 33), 0xC2, 0xE1, 0xE2, 0xE3]))
