"""The row hash R1: 128 bits that are equal for rows of equal values, whatever their column order or chunks.

All arithmetic is on unsigned 64-bit integers modulo 2**64. Each cell gives a code (and, for longer text, a second
word ``y``), mixed with a key made of the column's name and the store's key; the cells are summed, and each of the two
sums is mixed once more. What a cell stands for:

- Null, empty text and a column that is not there contribute nothing: a new column leaves old hashes valid.
- Numbers: the bits of the float64 (minus zero as zero), so 5 equals 5.0. An integer that no float64 holds exactly
  has a code of its own.
- Text: its UTF-8 bytes, neither trimmed nor normalised. Up to 8 bytes are the code; up to 128 bytes are mixed word by
  word, little endian; beyond that the two halves of XXH3-128, seeded with the store's key.

The store's key is random and stays in the ledger. This is no cryptographic hash: the key keeps a sender from crafting
rows that collide.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

Words = npt.NDArray[np.uint64]

K1, K2, K3, K4 = (
    np.uint64(0x9E3779B185EBCA87),
    np.uint64(0xC2B2AE3D27D4EB4F),
    np.uint64(0xFF51AFD7ED558CCD),
    np.uint64(0xC4CEB9FE1A85EC53),
)
S29, S32 = np.uint64(29), np.uint64(32)
WORD = 8
#: Text beyond this many bytes goes through XXH3-128.
LONG_TEXT = 128
EXACT_INTEGER = 2**53
#: By number of bytes in a word, the bits that belong to it.
WORD_MASKS: Words = np.array([(1 << (8 * size)) - 1 for size in range(WORD + 1)], np.uint64)


def row_hashes(table: pa.Table, columns: Sequence[str], key: int) -> Words:
    """Return the two lanes A and B of each row's hash, shape (rows, 2).

    Only ``columns`` count; one that the table does not have contributes nothing. ``key``: the store's, 64 bits.
    """
    lanes = np.zeros((2, table.num_rows), np.uint64)
    for name in columns:
        if name in table.column_names and table.num_rows:
            _add(lanes, table.column(name).combine_chunks(), column_key(name, key), key)
    a, b = lanes
    b += a
    a ^= a >> S32
    a *= K3
    a ^= a >> S29
    b ^= b >> S32
    b *= K3
    b ^= b >> S29
    b *= K4
    b ^= b >> S32
    return np.ascontiguousarray(lanes.T)


def hash_bytes(hashes: Words) -> list[bytes]:
    """Return each hash as 16 bytes, A then B, big endian: the order of the bytes is that of the numbers."""
    packed = hashes.astype(">u8").tobytes()
    return [packed[at : at + 16] for at in range(0, len(packed), 16)]


def column_key(name: str, key: int) -> np.uint64:
    """Return the odd 64-bit number that a column's cells are mixed with."""
    digest = xxhash.xxh3_128_digest(name.encode(), seed=key)
    return np.uint64(int.from_bytes(digest[:WORD], "little") | 1)


def _add(lanes: Words, column: pa.Array | pa.ChunkedArray, mixer: np.uint64, key: int) -> None:
    """Add one column's cells to both lanes."""
    # combine_chunks gives a chunked array where the text is beyond the 2 GiB of one array.
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    start = 0
    for chunk in chunks:
        code, y, present = _codes(chunk, key)
        w = (code ^ mixer) * K1
        w ^= w >> S32
        w *= K2
        w ^= w >> S29
        v = (w * K3) ^ y
        v ^= v >> S32
        v *= K4
        stop = start + len(chunk)
        lanes[0, start:stop] += np.where(present, w, np.uint64(0))
        lanes[1, start:stop] += np.where(present, v, np.uint64(0))
        start = stop


def _codes(array: pa.Array, key: int) -> tuple[Words, Words, npt.NDArray[np.bool_]]:
    """Return each cell's code, its second word, and whether it contributes."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    present = array.is_valid().to_numpy(zero_copy_only=False)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        code, y, lengths = _text_codes(array, key)
        return code, y, present & (lengths > 0)
    if pa.types.is_integer(kind):
        code = _integer_codes(array.fill_null(0).cast(pa.int64()).to_numpy(zero_copy_only=False))
    elif pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        values = array.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)
        present = present & ~np.isnan(values)
        code = (values + 0.0).view(np.uint64)
    else:
        message = f"row hash R1 is not defined for columns of type {kind}; store them as text or numbers"
        raise TypeError(message)
    return code, np.zeros(len(code), np.uint64), present


def _integer_codes(values: npt.NDArray[np.int64]) -> Words:
    floats = values.astype(np.float64)
    code = floats.view(np.uint64)
    beyond = np.flatnonzero((values > EXACT_INTEGER) | (values < -EXACT_INTEGER))
    # Beyond 2**53 some integers are floats still; Python compares the two exactly.
    inexact = [row for row in beyond.tolist() if int(floats[row]) != int(values[row])]
    if inexact:
        code[inexact] = (values[inexact].astype(np.uint64) * K1) ^ K4
    return code


def _text_codes(array: pa.Array, key: int) -> tuple[Words, Words, npt.NDArray[np.int64]]:
    """Return code, second word and length in bytes of each text; what a null cell gives has no meaning."""
    array = array.cast(pa.large_string())
    _, offset_buffer, data_buffer = array.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[array.offset : array.offset + len(array) + 1]
    starts, lengths = offsets[:-1], np.diff(offsets)
    used = np.frombuffer(data_buffer, np.uint8)[: offsets[-1]] if data_buffer else np.empty(0, np.uint8)
    padded = np.concatenate((used, np.zeros(WORD, np.uint8)))
    # A view of the little-endian word that begins at each byte.
    words = np.ndarray((len(used) + 1,), "<u8", buffer=padded.data, strides=(1,))
    code: Words = words[starts] & WORD_MASKS[np.minimum(lengths, WORD)]
    y = np.zeros(len(array), np.uint64)
    medium = np.flatnonzero((lengths > WORD) & (lengths <= LONG_TEXT))
    if len(medium):
        code[medium], y[medium] = _medium_codes(words, starts[medium], lengths[medium])
    for row in np.flatnonzero(lengths > LONG_TEXT).tolist():
        text = padded[starts[row] : starts[row] + lengths[row]]
        digest = xxhash.xxh3_128_intdigest(text.tobytes(), seed=key)
        code[row], y[row] = digest & 0xFFFFFFFFFFFFFFFF, digest >> 64
    several = np.flatnonzero(lengths > WORD)
    last = y[several] * K1
    y[several] = last ^ (last >> S32)
    return code, y, lengths


def _medium_codes(words: Words, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> tuple[Words, Words]:
    """Mix texts of 9 to 128 bytes word by word, the last word padded with zeros."""
    x: Words = words[starts]
    y = lengths.astype(np.uint64) * K4 + x
    rows = np.arange(len(starts))
    for at in range(WORD, int(lengths.max()), WORD):
        rows = rows[lengths[rows] > at]
        word = words[starts[rows] + at] & WORD_MASKS[np.minimum(lengths[rows] - at, WORD)]
        part = x[rows] * K1
        part ^= part >> S32
        x[rows] = part * K3 + word
        part = y[rows] * K2
        part ^= part >> S29
        y[rows] = (part * K4) ^ word
    return x, y
