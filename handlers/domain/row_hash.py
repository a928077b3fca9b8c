"""The row hash R1: 128 bits that are equal for rows of equal values, whatever their column order or chunks.

All arithmetic is on unsigned 64-bit integers modulo 2**64. Each cell gives a code (and, for longer text, a second
word ``y``), mixed with a key made of the column's name and the store's key; the cells are summed, and each of the two
sums is mixed once more. What a cell stands for:

- Null, empty text and a column that is not there contribute nothing: a new column leaves old hashes valid.
- Numbers: the bits of the float64 (minus zero as zero), so 5 equals 5.0. An integer that no float64 holds exactly
  has a code of its own.
- Text: its UTF-8 bytes, neither trimmed nor normalised (``text_codes.py``).

The store's key is random and stays in the ledger. This is no cryptographic hash: the key keeps a sender from crafting
rows that collide.

The work is done in slices that stay in the processor's cache, on several columns at once where there are few rows, so
that neither memory nor the number of calls sets the pace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import xxhash

from handlers.domain.text_codes import K1, K2, K3, K4, S29, S32, WORD, Offsets, Words, text_codes

if TYPE_CHECKING:
    import pyarrow as pa

Absent = npt.NDArray[np.int64] | None
#: Fills a row of codes for the rows from ``start`` to ``stop`` of a column; returns the second words, if there are
#: any, and the places that contribute nothing, if there are any.
Coder = Callable[[int, int, Words], tuple[Words | None, Absent]]

EXACT_INTEGER = 2**53
_SLICE_ROWS = 16_384
_SLICE_CELLS = 32_768
_FEW_ROWS = 4_096
_BEYOND_INT64 = 2.0**63


def row_hashes(table: pa.Table, columns: Sequence[str], key: int) -> Words:
    """Return the two lanes A and B of each row's hash, shape (rows, 2).

    Only ``columns`` count; one that the table does not have contributes nothing. ``key``: the store's, 64 bits.
    Raises TypeError for columns that are neither text nor numbers.
    """
    return np.ascontiguousarray(finished(cell_sums(table, columns, key)).T)


@lru_cache(maxsize=4096)
def column_key(name: str, key: int) -> np.uint64:
    """Return the odd 64-bit number that a column's cells are mixed with."""
    digest = xxhash.xxh3_128_digest(name.encode(), seed=key)
    return np.uint64(int.from_bytes(digest[:WORD], "little") | 1)


def cell_sums(table: pa.Table, columns: Sequence[str], key: int) -> Words:
    """The sums of the rows' mixed cells, shape (2, rows): what ``finished`` makes hashes of."""
    lanes = np.zeros((2, table.num_rows), np.uint64)
    there = {name: place for place, name in enumerate(table.column_names)}
    names = tuple(name for name in dict.fromkeys(columns) if name in there)
    if not table.num_rows or not names:
        return lanes
    if len(names) < len(there):
        table = table.select(names)
        there = {name: place for place, name in enumerate(names)}
    keys = _column_keys(names, key)
    batches = table.to_batches()
    if len(batches) > 1 and table.num_rows < _FEW_ROWS * len(batches):
        # combine_chunks leaves several where the text is beyond the 2 GiB of one array.
        batches = table.combine_chunks().to_batches()
    start = 0
    for batch in batches:
        coders = [_coder(batch.column(there[name]), key) for name in names]
        _add(lanes[:, start : start + batch.num_rows], coders, keys)
        start += batch.num_rows
    return lanes


def finished(lanes: Words) -> Words:
    """Mix the sums once more, in place: the hashes, shape (2, rows)."""
    spare = np.empty(min(lanes.shape[1], _SLICE_ROWS), np.uint64)
    for start in range(0, lanes.shape[1], _SLICE_ROWS):
        a, b = lanes[:, start : start + _SLICE_ROWS]
        part = spare[: len(a)]
        b += a
        _fold(a, S32, part)
        a *= K3
        _fold(a, S29, part)
        _fold(b, S32, part)
        b *= K3
        _fold(b, S29, part)
        b *= K4
        _fold(b, S32, part)
    return lanes


@lru_cache(maxsize=256)
def _column_keys(names: tuple[str, ...], key: int) -> Words:
    return np.array([column_key(name, key) for name in names], np.uint64)


def _fold(words: Words, shift: np.uint64, spare: Words) -> None:
    np.right_shift(words, shift, out=spare)
    np.bitwise_xor(words, spare, out=words)


def _add(lanes: Words, coders: list[Coder], keys: Words) -> None:
    """Add the cells of all columns to both lanes, a slice of rows and some columns at a time."""
    rows = min(lanes.shape[1], _SLICE_ROWS)
    together = min(len(coders), max(1, _SLICE_CELLS // rows))
    cells, spare = np.empty((together, rows), np.uint64), np.empty((together, rows), np.uint64)
    for start in range(0, lanes.shape[1], rows):
        stop = min(start + rows, lanes.shape[1])
        for first in range(0, len(coders), together):
            several = coders[first : first + together]
            w, v = cells[: len(several), : stop - start], spare[: len(several), : stop - start]
            extra = [coder(start, stop, w[place]) for place, coder in enumerate(several)]
            _mix(w, v, keys[first : first + together, None], extra)
            lanes[0, start:stop] += w.sum(axis=0) if len(several) > 1 else w[0]
            lanes[1, start:stop] += v.sum(axis=0) if len(several) > 1 else v[0]


def _mix(w: Words, v: Words, keys: Words, extra: list[tuple[Words | None, Absent]]) -> None:
    """Turn codes ``w`` into what the cells add to lane A, and write what they add to lane B into ``v``."""
    w ^= keys
    w *= K1
    _fold(w, S32, v)
    w *= K2
    _fold(w, S29, v)
    np.multiply(w, K3, out=v)
    for place, (second, _) in enumerate(extra):
        if second is not None:
            v[place] ^= second
    v ^= v >> S32
    v *= K4
    for place, (_, absent) in enumerate(extra):
        if absent is not None:
            w[place, absent] = 0
            v[place, absent] = 0


def _coder(array: pa.Array, key: int) -> Coder:
    """How the codes of a column's cells are made."""
    import pyarrow as pa

    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _text_coder(array, _missing(array), key)
    if pa.types.is_integer(kind):
        return _integer_coder(_values(array, pa.int64(), np.int64), _missing(array))
    if pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return _real_coder(_values(array, pa.float64(), np.float64), _missing(array))
    message = f"row hash R1 is not defined for columns of type {kind}; store them as text or numbers"
    raise TypeError(message)


def _missing(array: pa.Array) -> npt.NDArray[np.bool_] | None:
    return array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None


def _values(array: pa.Array, wanted: pa.DataType, kind: type) -> npt.NDArray[np.generic]:
    """The array's own memory; what stands in a null's place has no meaning."""
    if array.type != wanted:
        array = array.cast(wanted)
    return np.frombuffer(array.buffers()[1], kind)[array.offset : array.offset + len(array)]


def _places(missing: npt.NDArray[np.bool_] | None, start: int, stop: int) -> Absent:
    return None if missing is None else np.flatnonzero(missing[start:stop])


def _real_coder(values: npt.NDArray[np.generic], missing: npt.NDArray[np.bool_] | None) -> Coder:
    def code(start: int, stop: int, out: Words) -> tuple[None, Absent]:
        part = values[start:stop]
        np.add(part, 0.0, out=out.view(np.float64))  # minus zero plus zero is zero
        unknown = np.isnan(part)
        if not unknown.any():
            return None, _places(missing, start, stop)
        return None, np.flatnonzero(unknown if missing is None else unknown | missing[start:stop])

    return code


def _integer_coder(values: npt.NDArray[np.generic], missing: npt.NDArray[np.bool_] | None) -> Coder:
    def code(start: int, stop: int, out: Words) -> tuple[None, Absent]:
        part = values[start:stop]
        floats = out.view(np.float64)
        floats[:] = part
        if part.max() > EXACT_INTEGER or part.min() < -EXACT_INTEGER:
            # Beyond 2**53 some integers are floats still, but 2**63 is none of int64.
            exact = floats < _BEYOND_INT64
            exact[exact] = floats[exact].astype(np.int64) == part[exact]
            out[~exact] = (part[~exact].view(np.uint64) * K1) ^ K4
        return None, _places(missing, start, stop)

    return code


def _text_coder(array: pa.Array, missing: npt.NDArray[np.bool_] | None, key: int) -> Coder:
    import pyarrow as pa

    _, offset_buffer, data_buffer = array.buffers()
    kind = np.int32 if pa.types.is_string(array.type) else np.int64
    offsets: Offsets = np.frombuffer(offset_buffer, kind)[array.offset : array.offset + len(array) + 1]  # type: ignore[assignment]  # of either kind
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer else np.empty(0, np.uint8)

    def code(start: int, stop: int, out: Words) -> tuple[Words | None, Absent]:
        second, empty = text_codes(offsets[start : stop + 1], data, key, out)
        if missing is None:
            return second, None if empty is None else np.flatnonzero(empty)
        return second, np.flatnonzero(missing[start:stop] if empty is None else empty | missing[start:stop])

    return code
