from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.domain.row_hash import column_key, hash_bytes, row_hashes

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
