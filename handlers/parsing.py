"""A text to a table of text cells: its header, and all its rows at once or block by block."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from handlers.cutting.rows import Cut, cut
from handlers.decoding import Text
from handlers.domain.files import Reason
from handlers.domain.header import Head, find_head
from handlers.domain.limits import Limits
from handlers.domain.rejected import RejectedRows, joined

#: How much of a text is looked through first for its header. Almost every header is there.
FIRST_LOOK = 8_192
#: A text up to this size is given in one piece, which costs nothing where it is in memory.
ONE_PIECE = 64 << 20
PIECE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class TextTable:
    """A text cut into cells, none of them interpreted. Empty lines and rows of another length are left out.

    ``columns``: one string array for each name, an empty cell being null; ``lines``: the physical line of each row.
    """

    names: tuple[str, ...]
    columns: tuple[pa.StringArray, ...]
    lines: npt.NDArray[np.int64]
    faults: RejectedRows
    notes: tuple[str, ...]


def pieces(text: Text) -> Iterable[bytes]:
    """The text from its beginning, in the pieces that are cheapest to cut."""
    return text.blocks(ONE_PIECE if text.size <= ONE_PIECE else PIECE_BYTES)


def read_head(source: Iterable[bytes], *, known: AbstractSet[str], limits: Limits) -> Head | Reason:
    """Read the header of a text that comes in pieces; no more of them are taken than are needed.

    ``known``: case-folded column names that may be expected; they help find the delimiter.
    """
    waiting = iter(source)
    data, look = b"", FIRST_LOOK
    while True:
        whole = False
        while len(data) <= look and not whole:
            piece = next(waiting, None)
            whole = piece is None
            data += piece or b""
        head = find_head(data[:look], known, limits, whole=whole)
        if head is not None:
            return head
        look *= 4


def parse(text: Text, *, known: AbstractSet[str], limits: Limits, max_rows: int | None = None) -> TextTable | Reason:
    """Cut a whole text into cells, or its first ``max_rows`` rows. ``known`` as for ``read_head``."""
    head = read_head(pieces(text), known=known, limits=limits)
    if isinstance(head, Reason):
        return head
    cuts: list[Cut] = []
    rows = 0
    for part in cut(pieces(text), head, limits):
        if isinstance(part, Reason):
            return part
        cuts.append(part)
        rows += len(part.lines)
        if max_rows is not None and rows >= max_rows:
            break
    return _table(head, cuts, max_rows)


def trailing_note(rows: int) -> tuple[str, ...]:
    """What to say of rows without any value that ended a file."""
    return (f"{rows} rows without any value at the end of the file were left out.",) if rows else ()


def _table(head: Head, cuts: list[Cut], max_rows: int | None) -> TextTable:
    columns = (pa.concat_arrays([part.columns[place] for part in cuts]) for place in range(len(head.names)))
    lines = np.concatenate([part.lines for part in cuts])[:max_rows]
    faults = joined([part.faults for part in cuts if part.faults is not None])
    notes = head.notes + trailing_note(cuts[-1].trailing)
    rejected = RejectedRows([faults] if faults.num_rows else [])
    return TextTable(head.names, tuple(column[:max_rows] for column in columns), lines, rejected, notes)
