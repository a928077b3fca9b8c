"""A run of the row index: hashes in ascending order with the numbers of their rows, in memory or in a file.

A file is mapped, so the memory that it needs can be taken away by the system at any time. It begins with a header of
128 bytes, little endian: magic, version of the format, bytes of a row number, hashes, room, lowest and highest row
number, logarithm of the filter's bits (0: no filter), a word that only the data set's hash key gives, and the
checksum of all that. Then come room for lane A, for lane B, for the row numbers (less the lowest one), to the next 8
bytes, and the filter. A blob in the ledger is the same.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import xxhash

from handlers.domain.row_hash import column_key
from handlers.storage.index_filter import Filter, Places, Words

MAGIC = b"attrrun\x00"
VERSION = 1
HEADER_BYTES = 128
_HEADER = struct.Struct("<8sIIQQqqQQ")
_CHECKSUM = struct.Struct("<Q")
_NARROW, _WIDE = 4, 8
_STRETCH = 2048
Offsets = npt.NDArray[np.uint32] | npt.NDArray[np.uint64]


class IndexDamaged(Exception):
    """A file or a blob of the row index cannot be used; the message says why and what to do."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"The row index cannot be used: {name} {why}. No row of the data set is lost: the daemon makes the index "
            "anew from the stored rows, at once or when it is started."
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """What a run's header says. ``room`` >= ``rows``: where the next section begins; ``base``, ``top``: the lowest
    and highest row number; ``filter_log2``: 0 for no filter."""

    rows: int
    room: int
    base: int
    top: int
    filter_log2: int = 0

    @property
    def width(self) -> int:
        """Bytes of a row number."""
        return _NARROW if self.top - self.base < 1 << (8 * _NARROW) else _WIDE

    def sections(self) -> tuple[int, int, int, int, int]:
        """Where lane A, lane B, the row numbers and the filter begin, and where the file ends."""
        a = HEADER_BYTES
        b = a + 8 * self.room
        numbers = b + 8 * self.room
        filter_ = -(-(numbers + self.width * self.room) // 8) * 8
        return a, b, numbers, filter_, filter_ + ((1 << self.filter_log2) // 8 if self.filter_log2 else 0)

    def header(self, key: int) -> bytes:
        packed = _HEADER.pack(
            MAGIC, VERSION, self.width, self.rows, self.room, self.base, self.top, self.filter_log2, key_word(key)
        ).ljust(HEADER_BYTES - _CHECKSUM.size, b"\x00")
        return packed + _CHECKSUM.pack(xxhash.xxh3_64_intdigest(packed))


@dataclass(frozen=True, slots=True)
class Run:
    """``a``, ``b``: uint64[n], pairs that differ, ascending; ``offsets``: the row numbers less ``shape.base``.

    ``name``: the file's, None in memory. A run never changes.
    """

    a: Words
    b: Words
    offsets: Offsets
    shape: Shape
    filter: Filter | None = None
    name: str | None = None

    @classmethod
    def of(cls, a: Words, b: Words, numbers: Places) -> Run:
        """In memory. ``numbers``: int64[n], at least one."""
        shape = Shape(len(a), len(a), int(numbers.min()), int(numbers.max()))
        offsets = (numbers - shape.base).astype(f"<u{shape.width}")
        return cls(a, b, offsets, shape)

    @property
    def rows(self) -> int:
        return self.shape.rows

    def numbers(self, places: Places | slice = slice(None)) -> Places:
        """The row numbers at these places."""
        result: Places = self.offsets[places].astype(np.int64)
        result += self.shape.base
        return result

    def search(self, a: Words, b: Words) -> Places:
        """The row number of each pair, -1 where it is not there: int64[n]. ``a`` ascending, so memory is read so."""
        found = np.full(len(a), -1, np.int64)
        at = _sorted_into(self.a, a)
        open_ = np.flatnonzero(self.a.take(at, mode="clip") == a)
        open_ = open_[at[open_] < self.rows]
        while len(open_):  # several entries may have the same A: lane B says which of them it is, if any
            here = at[open_]
            same = self.b[here] == b[open_]
            found[open_[same]] = self.numbers(here[same])
            open_ = open_[~same]
            at[open_] += 1
            open_ = open_[at[open_] < self.rows]
            open_ = open_[self.a[at[open_]] == a[open_]]
        return found

    def blob(self, key: int) -> bytes:
        """The run as the bytes of a file without a filter."""
        return b"".join(self._pieces(key))

    def _pieces(self, key: int) -> Iterator[bytes | memoryview]:
        shape = replace(self.shape, room=self.rows, filter_log2=0)
        sections = shape.sections()
        yield shape.header(key)
        yield from (self.a.data, self.b.data, self.offsets.data)
        yield bytes(sections[-1] - sections[2] - self.offsets.nbytes)

    def write_to(self, stream: BinaryIO, key: int) -> None:
        """Write what ``blob`` gives, without a copy of it in memory."""
        stream.writelines(self._pieces(key))


def _sorted_into(whole: Words, a: Words) -> Places:
    """Where each of ``a`` is in ``whole``, or would be; both ascend. A stretch at a time, which stays in the cache."""
    at = np.empty(len(a), np.int64)
    edges = [*np.searchsorted(whole, a[::_STRETCH]).tolist(), len(whole)]
    for place, (first, end) in enumerate(pairwise(edges)):
        stretch = slice(place * _STRETCH, (place + 1) * _STRETCH)
        at[stretch] = np.searchsorted(whole[first:end], a[stretch])
        at[stretch] += first
    return at


def key_word(key: int) -> int:
    """What a header says of the hash: another key, or another definition than R1, gives another word."""
    return int(column_key("row hash R1", key))


def write(folder: Path, name: str, run: Run, key: int) -> Run:
    """Write and sync a run, without a filter, and return it mapped. The caller syncs the folder.

    Raises OSError, and then nothing is left behind.
    """
    path = folder / name
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("xb") as stream:
            run.write_to(stream, key)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return mapped(folder, name, key)


def mapped(folder: Path, name: str, key: int) -> Run:
    """A run's file, mapped. Raises IndexDamaged where it is missing, cut off, damaged or of another data set."""
    path = folder / name
    try:
        with path.open("rb") as stream:
            if not os.fstat(stream.fileno()).st_size:
                raise IndexDamaged(str(path), "is empty")
            memory = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError as error:
        raise IndexDamaged(str(path), "is missing") from error
    run = decoded(memory, str(path), key)
    if run.filter is not None:
        start = run.shape.sections()[3] // mmap.PAGESIZE * mmap.PAGESIZE
        memory.madvise(mmap.MADV_WILLNEED, start, len(memory) - start)
    return replace(run, name=name)


def decoded(content: bytes | mmap.mmap, name: str, key: int) -> Run:
    """A run of its bytes. ``name`` is what an error calls it. Raises IndexDamaged."""
    packed = content[: HEADER_BYTES - _CHECKSUM.size]
    if len(content) < HEADER_BYTES:
        raise IndexDamaged(name, f"is cut off: it has {len(content)} bytes")
    magic, version, width, rows, room, base, top, filter_log2, word = _HEADER.unpack_from(packed)
    if magic != MAGIC:
        raise IndexDamaged(name, "is no run of an index")
    if _CHECKSUM.pack(xxhash.xxh3_64_intdigest(packed)) != content[len(packed) : HEADER_BYTES]:
        raise IndexDamaged(name, "has a damaged header")
    if version != VERSION:
        raise IndexDamaged(name, f"has version {version} of the format, and this program knows {VERSION}")
    if word != key_word(key):
        raise IndexDamaged(name, "was made with another hash key: it belongs to another data set")
    shape = Shape(rows, room, base, top, filter_log2)
    a, b, numbers, filter_, end = shape.sections()
    if width != shape.width or len(content) != end:
        raise IndexDamaged(name, f"has {len(content)} bytes where its header says {end}")
    filtered = Filter(np.frombuffer(content, "<u8", offset=filter_), filter_log2) if filter_log2 else None
    return Run(
        a=np.frombuffer(content, "<u8", rows, a),
        b=np.frombuffer(content, "<u8", rows, b),
        offsets=np.frombuffer(content, f"<u{width}", rows, numbers),
        shape=shape,
        filter=filtered,
    )
