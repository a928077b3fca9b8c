"""A text in pieces of any size to blocks of whole records, small enough for the cache of a processor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from handlers.domain.dialect import CARRIAGE_RETURN, QUOTE, line_ends

#: Blocks that stay in the cache of a processor while they are read.
BLOCK_BYTES = 2 << 20
#: Each column costs something in each block, so that the blocks of a very wide file are larger, up to a limit.
COLUMN_BYTES, WIDEST_BYTES = 2 << 10, 16 << 20


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a text: ``data[start:end]``.

    ``quoted``: it holds quotes; ``last``: the text ends with it; ``whole``: it is made of whole records, and is not
    the beginning of one that is too long.
    """

    data: bytes
    start: int
    end: int
    quoted: bool
    last: bool = False
    whole: bool = True

    @property
    def view(self) -> memoryview:
        """The bytes, not copied."""
        return memoryview(self.data)[self.start : self.end]

    @property
    def cells(self) -> npt.NDArray[np.uint8]:
        """The bytes as numbers, not copied."""
        return np.frombuffer(self.data, np.uint8, self.end - self.start, self.start)

    @property
    def ends_a_line(self) -> bool:
        """Whether a line ends where it ends."""
        return self.data[self.end - 1] in b"\r\n"

    def until(self, end: int) -> Block:
        """Its first ``end`` bytes, which are whole records."""
        return Block(self.data, self.start, self.start + end, self.quoted)


def block_size(columns: int) -> int:
    """How large the blocks of a text with so many columns are best, in bytes."""
    return min(max(BLOCK_BYTES, COLUMN_BYTES * columns), WIDEST_BYTES)


def record_blocks(pieces: Iterable[bytes], skipped: int, longest: int, size: int) -> Iterator[Block]:
    """Cut a text, without its first ``skipped`` bytes, where records end outside quotes, into blocks of up to ``size``.

    Only a longer record makes a longer block. One of more than ``longest`` bytes ends the text: the last block is the
    beginning of it, and not whole.
    """
    text, window = _Ahead(pieces, skipped), size
    # One byte more than the window: what follows a CR tells whether it ends the line.
    while text.reaches(window + 1):
        block = _block(text.data, text.at, text.at + window)
        if block:
            yield block
            text.at, window = block.end, size
        elif window > longest:
            yield Block(text.data, text.at, text.at + window, quoted=True, whole=False)
            return
        else:
            window = min(2 * window, longest + 1)
    end = len(text.data)
    while text.at < end:
        block = _block(text.data, text.at, text.at + size) if end - text.at > size else None
        block = block or Block(text.data, text.at, end, text.data.find(b'"', text.at) >= 0, last=True)
        yield block
        text.at = block.end


class _Ahead:
    """What was read of a text and not used yet: ``data[at:]``. A piece that suffices alone is not copied."""

    def __init__(self, pieces: Iterable[bytes], skipped: int) -> None:
        self.data, self.at = b"", 0
        self._source = iter(pieces)
        while self.reaches(1) and skipped >= len(self.data):
            skipped, self.data = skipped - len(self.data), b""
        self.at = min(skipped, len(self.data))

    def reaches(self, wanted: int) -> bool:
        """Have so many bytes, if the text has them."""
        there = len(self.data) - self.at
        if there >= wanted:
            return True
        parts = [self.data[self.at :]] if there else []
        for piece in self._source:
            parts.append(piece)
            there += len(piece)
            if there >= wanted:
                break
        self.data, self.at = (parts[0] if len(parts) == 1 else b"".join(parts)), 0
        return there >= wanted


def _block(data: bytes, start: int, stop: int) -> Block | None:
    """The records that end in ``data[start:stop]``, which does not reach the end of the text; None if none ends."""
    quoted = data.find(b'"', start, stop) >= 0
    end = data.rfind(b"\n", start, stop) + 1
    inside = end and quoted and np.count_nonzero(np.frombuffer(data, np.uint8, end - start, start) == QUOTE) % 2
    if not end or inside:
        ends = line_ends(memoryview(data)[start:stop]).ends
        if len(ends) and ends[-1] == stop - start and data[stop - 1] == CARRIAGE_RETURN:
            # Its LF may follow.
            ends = ends[:-1]
        end = start + int(ends[-1]) if len(ends) else 0
    return Block(data, start, end, quoted) if end else None
