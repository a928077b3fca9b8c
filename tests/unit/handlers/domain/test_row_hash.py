from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.domain.row_hash import column_key, row_hashes
from tests.unit.handlers.domain.hash_bytes import hash_bytes

MASK = 2**64 - 1
K1, K2, K3, K4 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53
Cell = str | int | float | None

TEXT = st.none() | st.text(max_size=60) | st.text("ab", min_size=120, max_size=140)
INTEGERS = st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)
REALS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.lists(st.tuples(TEXT, INTEGERS, REALS), min_size=1, max_size=12)


def table(rows: Sequence[tuple[str | None, int | None, float | None]]) -> pa.Table:
    kinds = {"name": pa.string(), "n": pa.int64(), "x": pa.float64()}
    cells = zip(*rows, strict=True)
    return pa.table({name: pa.array(column, kind) for (name, kind), column in zip(kinds.items(), cells, strict=True)})


def hashes(data: pa.Table, key: int = 3) -> list[bytes]:
    return hash_bytes(row_hashes(data, data.column_names, key))


def code_of(cell: Cell, key: int) -> tuple[int, int] | None:
    """R1's code and second word of one cell, written out in plain integers."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, int) and int(float(cell)) != cell:
        return (cell * K1 & MASK) ^ K4, 0
    if not isinstance(cell, str):
        return int(np.float64(cell + 0.0).view(np.uint64)), 0
    raw = cell.encode()
    words = [int.from_bytes(raw[at : at + 8], "little") for at in range(0, len(raw), 8)]
    if len(raw) <= 8:
        return words[0], 0
    if len(raw) > 128:
        digest = xxhash.xxh3_128_intdigest(raw, seed=key)
        x, y = digest & MASK, digest >> 64
    else:
        x, y = words[0], (len(raw) * K4 + words[0]) & MASK
        for word in words[1:]:
            x = x * K1 & MASK
            x = ((x ^ x >> 32) * K3 + word) & MASK
            y = y * K2 & MASK
            y = ((y ^ y >> 29) * K4 & MASK) ^ word
    y = y * K1 & MASK
    return x, y ^ y >> 32


def plain_hash(row: dict[str, Cell], key: int) -> tuple[int, int]:
    a = b = 0
    for name, cell in row.items():
        found = code_of(cell, key)
        if found is None:
            continue
        w = (found[0] ^ int(column_key(name, key))) * K1 & MASK
        w = (w ^ w >> 32) * K2 & MASK
        w ^= w >> 29
        v = (w * K3 & MASK) ^ found[1]
        v = (v ^ v >> 32) * K4 & MASK
        a, b = (a + w) & MASK, (b + v) & MASK
    b = (a + b) & MASK
    a = (a ^ a >> 32) * K3 & MASK
    b = (b ^ b >> 32) * K3 & MASK
    b = (b ^ b >> 29) * K4 & MASK
    return a ^ a >> 29, b ^ b >> 32


def test_the_known_answer() -> None:
    found = row_hashes(pa.table({"name": ["ACME"], "n": [5]}), ["name", "n"], 0)
    assert found.dtype == np.uint64
    assert found.tolist() == [[4458853337335900830, 1286365803442780590]]
    assert hash_bytes(found) == [(4458853337335900830 << 64 | 1286365803442780590).to_bytes(16, "big")]


@settings(deadline=None)
@given(rows=ROWS, key=st.integers(0, MASK))
def test_the_vectors_give_what_plain_integers_give(
    rows: list[tuple[str | None, int | None, float | None]], key: int
) -> None:
    data = table(rows)
    expected = [plain_hash(row, key) for row in data.to_pylist()]
    assert [tuple(pair) for pair in row_hashes(data, data.column_names, key).tolist()] == expected


@settings(deadline=None)
@given(rows=ROWS, data=st.data())
def test_column_order_slices_and_chunks_make_no_difference(
    rows: list[tuple[str | None, int | None, float | None]], data: st.DataObject
) -> None:
    whole = table(rows)
    expected = hashes(whole)
    assert hashes(whole.select(data.draw(st.permutations(whole.column_names)))) == expected
    start = data.draw(st.integers(0, len(rows)))
    assert hashes(whole.slice(start)) == expected[start:]
    assert hashes(pa.concat_tables([whole.slice(0, start), whole.slice(start)])) == expected


@settings(deadline=None)
@given(rows=ROWS)
def test_rows_are_equal_in_hash_exactly_if_they_are_equal_in_value(
    rows: list[tuple[str | None, int | None, float | None]],
) -> None:
    values = {(name or None, n, x) for name, n, x in rows}
    assert len(set(hashes(table(rows)))) == len(values)


def test_null_empty_text_and_a_column_that_is_not_there_are_the_same() -> None:
    short = hashes(pa.table({"a": [1]}))
    for absent in (pa.array([None], pa.string()), pa.array([""]), pa.array([None], pa.int64()), pa.array([np.nan])):
        assert hashes(pa.table({"a": [1], "b": absent})) == short
    assert hash_bytes(row_hashes(pa.table({"a": [1]}), ["a", "b"], 3)) == short


def test_numbers_count_by_value_and_text_by_its_bytes() -> None:
    five = hashes(pa.table({"a": [5]}))
    assert hashes(pa.table({"a": [5.0]})) == five
    assert hashes(pa.table({"a": ["5"]})) != five
    assert hashes(pa.table({"b": [5]})) != five
    assert hashes(pa.table({"a": [0.0]})) == hashes(pa.table({"a": [-0.0]})) == hashes(pa.table({"a": [0]}))
    near = [2**53, 2**53 + 1, 2**53 + 2, 2**63 - 1, -(2**63)]
    assert len(set(hashes(pa.table({"a": near})))) == len(near)
    assert hashes(pa.table({"a": [2**53 + 2]})) == hashes(pa.table({"a": [2.0**53 + 2]}))
    assert hashes(pa.table({"a": ["a"]})) != hashes(pa.table({"a": ["a "]}))


def test_text_types_are_alike_and_the_key_matters() -> None:
    text = pa.array(["x", None, "a longer text", "l" * 300])
    expected = hashes(pa.table({"a": text}))
    assert hashes(pa.table({"a": text.dictionary_encode()})) == expected
    assert hashes(pa.table({"a": text.cast(pa.large_string())})) == expected
    assert set(hashes(pa.table({"a": text}), key=4)) & set(expected) == {expected[1]}


def test_swapped_cells_and_structured_rows_do_not_collide() -> None:
    assert hashes(pa.table({"a": [1], "b": [2]})) != hashes(pa.table({"a": [2], "b": [1]}))
    n = 50_000
    ids = [f"client-{number:06d}" for number in range(n)]
    lanes = row_hashes(pa.table({"id": ids, "n": np.arange(n) % 7}), ["id", "n"], 9)
    assert len(np.unique(lanes[:, 0])) == len(np.unique(lanes[:, 1])) == n


def test_other_types_are_refused_and_no_rows_are_no_hashes() -> None:
    with pytest.raises(TypeError, match="date32"):
        row_hashes(pa.table({"a": pa.array([1], pa.date32())}), ["a"], 0)
    assert row_hashes(pa.table({"a": pa.array([], pa.string())}), ["a"], 0).shape == (0, 2)


MIXED = ("", "short", "just 8 b", "nine byte", "a text of 16 by.", "a text of 17 byt.", "l" * 128, "l" * 129, None)


def mixed(rows: int) -> pa.Table:
    """More rows than a slice has, of every kind of text, and numbers of every kind."""
    place = np.arange(rows)
    return pa.table(
        {
            "mixed": [
                None if (text := MIXED[row * row % len(MIXED)]) is None else text + "x" * (row % 2) for row in place
            ],
            "same": [f"client-{row:08d}" for row in place],
            "big": pa.array(place * (2**63 // rows) - 2**62, mask=place % 5 == 0),
            "real": pa.array(np.where(place % 7 == 0, np.nan, place / 8 - 1000), mask=place % 3 == 0),
            "flag": place % 2 == 0,
        }
    )


@pytest.mark.parametrize("rows", [16_384, 16_385, 40_000])
def test_a_row_has_its_hash_whatever_slice_it_is_in(rows: int) -> None:
    data = mixed(rows)
    found = hashes(data)
    asked = [0, 1, 8, 16_383, rows - 1, *range(100, rows, 1999)]
    reals = data["real"].take(asked).to_pylist()
    for row, real, record in zip(asked, reals, data.take(asked).to_pylist(), strict=True):
        record["real"] = None if real is None or np.isnan(real) else real
        record["flag"] = float(record["flag"])
        a, b = plain_hash(record, 3)
        assert found[row] == (a << 64 | b).to_bytes(16, "big")


def test_many_small_pieces_are_one_table() -> None:
    data = mixed(300)
    pieces = pa.concat_tables([data.slice(start, 7) for start in range(0, 300, 7)])
    assert pieces["same"].num_chunks == 43
    assert hashes(pieces) == hashes(data)


def test_more_text_than_is_copied_at_once_has_the_same_hash() -> None:
    long = ["x" * 3_000_000, "", "y" * 3_000_000, "z", "z" * 3_000_001]
    together = hashes(pa.table({"a": long, "b": range(5)}))
    assert together == [hashes(pa.table({"a": [text], "b": [row]}))[0] for row, text in enumerate(long)]


def test_what_stands_in_the_place_of_a_null_does_not_count() -> None:
    """Arrow promises nothing of the bytes there: here a text, a number that no float holds, and NaN."""
    valid = pa.py_buffer(b"\x01")
    text = pa.array(["a", "rubbish"])
    for array in (
        pa.Array.from_buffers(pa.string(), 2, [valid, *text.buffers()[1:]]),
        pa.Array.from_buffers(pa.int64(), 2, [valid, pa.array([7, 2**63 - 1]).buffers()[1]]),
        pa.Array.from_buffers(pa.float64(), 2, [valid, pa.array([7.5, np.nan]).buffers()[1]]),
    ):
        clean = pa.array(array.to_pylist(), array.type)
        assert hashes(pa.table({"a": array, "b": [1, 2]})) == hashes(pa.table({"a": clean, "b": [1, 2]}))


def test_integers_around_the_edge_of_what_floats_hold() -> None:
    edges = [2**53 + 1, -(2**53) - 1, 2**62 + 1, 2**63 - 1, 2**63 - 512, 2**63 - 1024, -(2**63), 2**53, 0]
    expected = [plain_hash({"a": value}, 3) for value in edges]
    assert [tuple(pair) for pair in row_hashes(pa.table({"a": edges}), ["a"], 3).tolist()] == expected


def test_a_column_named_twice_counts_once_and_other_numbers_are_alike() -> None:
    data = pa.table({"a": pa.array([3, -4], pa.int8()), "b": pa.array([1.5, 2.0], pa.float32())})
    wide = pa.table({"a": pa.array([3, -4]), "b": pa.array([1.5, 2.0])})
    assert row_hashes(data, ["a", "b", "a"], 3).tolist() == row_hashes(wide, ["a", "b"], 3).tolist()
