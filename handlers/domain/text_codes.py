"""The codes of text cells in the row hash R1.

Up to 8 bytes of UTF-8 are the code themselves; up to 128 bytes are mixed word by word, little endian, the last word
padded with zeros; beyond that the two halves of XXH3-128, seeded with the store's key.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xxhash

Words = npt.NDArray[np.uint64]
Offsets = npt.NDArray[np.int32] | npt.NDArray[np.int64]

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
_COPIED_BYTES = 1 << 22
#: By number of bytes in a word, the bits that belong to it.
_MASKS: Words = np.array([(1 << (8 * size)) - 1 for size in range(WORD + 1)], np.uint64)
_THREE, _SEVEN, _BITS = np.uint64(3), np.uint64(7), np.uint64(64)


def text_codes(
    offsets: Offsets, data: npt.NDArray[np.uint8], key: int, out: Words
) -> tuple[Words | None, npt.NDArray[np.bool_] | None]:
    """Write the code of each text into ``out``; return the second words and which texts are empty, bool[n].

    ``offsets``: n + 1 places in ``data``, as Arrow has them. Either answer is None where there is none.
    """
    rows, first, last = len(out), int(offsets[0]), int(offsets[-1])
    if last - first > _COPIED_BYTES and rows > 1:
        return _halves(offsets, data, key, out)
    # A copy that begins at a word and has room behind it, so that words may be read wherever a text begins or ends.
    words = np.zeros((last - first) // WORD + 3, "<u8")
    words.view(np.uint8)[: last - first] = data[first:last]
    lengths = offsets[1:] - offsets[:-1]
    shortest, longest = int(np.minimum.reduce(lengths)), int(np.maximum.reduce(lengths))
    if shortest == longest <= LONG_TEXT:
        return _equal(words, shortest, out), None if shortest else np.ones(rows, bool)
    starts = offsets[:-1].astype(np.int64)
    starts -= first
    _words_at(words, starts, out)
    out &= _MASKS.take(np.minimum(lengths, WORD), mode="clip")
    second = None
    if longest > WORD:
        second = np.zeros(rows, np.uint64)
        _medium(words, starts, lengths, (out, second))
        if longest > LONG_TEXT:
            _long(words, np.flatnonzero(lengths > LONG_TEXT), (starts, lengths, key), (out, second))
    return second, None if shortest else lengths == 0


def _halves(
    offsets: Offsets, data: npt.NDArray[np.uint8], key: int, out: Words
) -> tuple[Words | None, npt.NDArray[np.bool_] | None]:
    middle = len(out) // 2
    found = (
        text_codes(offsets[: middle + 1], data, key, out[:middle]),
        text_codes(offsets[middle:], data, key, out[middle:]),
    )
    sizes = middle, len(out) - middle
    seconds = [np.zeros(size, np.uint64) if one[0] is None else one[0] for one, size in zip(found, sizes, strict=True)]
    empties = [np.zeros(size, np.bool_) if one[1] is None else one[1] for one, size in zip(found, sizes, strict=True)]
    return np.concatenate(seconds), np.concatenate(empties)


def _equal(words: Words, length: int, out: Words) -> Words | None:
    """Texts of one length lie in a grid: no search for their beginnings."""

    def word(at: int) -> Words:
        return np.ndarray(len(out), "<u8", buffer=words.data, offset=at, strides=(length,))

    np.bitwise_and(word(0), _MASKS[min(length, WORD)], out=out)
    if length <= WORD:
        return None
    y = out + np.uint64(length * int(K4) % 2**64)
    for at in range(WORD, length, WORD):
        _round(out, y, word(at) & _MASKS[min(length - at, WORD)])
    _close(y)
    return y


def _words_at(words: Words, starts: npt.NDArray[np.int64], out: Words) -> None:
    """Read the word that begins at each byte, put together from the two words that it lies in."""
    places = starts >> 3
    shift = (starts & 7).view(np.uint64)
    shift <<= _THREE
    words.take(places, mode="clip", out=out)
    out >>= shift
    places += 1
    following = words.take(places, mode="clip")
    np.subtract(_BITS, shift, out=shift)
    following <<= shift  # by 64 where the text begins at a word: that is zero
    out |= following


def _medium(words: Words, starts: npt.NDArray[np.int64], lengths: Offsets, result: tuple[Words, Words]) -> None:
    """Mix texts of 9 to 128 bytes word by word, into their places in the codes and the second words."""
    code, second = result
    rows = np.flatnonzero((lengths > WORD) & (lengths <= LONG_TEXT))
    if not len(rows):
        return
    starts, lengths, x = starts[rows], lengths[rows], code[rows]
    y = lengths.astype(np.uint64)
    y *= K4
    y += x
    for at in range(WORD, int(lengths.max()), WORD):
        going = np.flatnonzero(lengths > at) if at > WORD else slice(None)
        part_x, part_y, left = x[going], y[going], lengths[going] - at
        word = np.empty(len(part_x), np.uint64)
        _words_at(words, starts[going] + at, word)
        word &= _MASKS.take(np.minimum(left, WORD), mode="clip")
        _round(part_x, part_y, word)
        x[going], y[going] = part_x, part_y
    _close(y)
    code[rows], second[rows] = x, y


def _long(
    words: Words,
    rows: npt.NDArray[np.int64],
    cells: tuple[npt.NDArray[np.int64], Offsets, int],
    result: tuple[Words, Words],
) -> None:
    starts, lengths, key = cells
    code, second = result
    data = words.view(np.uint8)
    for row in rows.tolist():
        text = data[starts[row] : starts[row] + lengths[row]].data
        digest = xxhash.xxh3_128_intdigest(text, seed=key)
        y = np.array([digest >> 64], np.uint64)
        _close(y)
        code[row], second[row] = digest & 0xFFFFFFFFFFFFFFFF, y[0]


def _round(x: Words, y: Words, word: Words) -> None:
    """Mix one more word into both."""
    x *= K1
    x ^= x >> S32
    x *= K3
    x += word
    y *= K2
    y ^= y >> S29
    y *= K4
    y ^= word


def _close(y: Words) -> None:
    y *= K1
    y ^= y >> S32
