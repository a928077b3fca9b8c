"""A column whose texts are held once is the column of the texts of its rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.coded_texts import FEW_TEXTS, CodedTexts, joined

texts = st.one_of(st.none(), st.text(max_size=2))


@st.composite
def columns(draw: st.DrawFn) -> CodedTexts:
    """Texts that may stand twice, or be that of no row."""
    held = draw(st.lists(texts, min_size=1, max_size=5))
    codes = draw(st.lists(st.integers(0, len(held) - 1), max_size=9))
    return CodedTexts(tuple(held), np.array(codes, dtype=np.intp))


@given(columns(), st.integers(0, 9), st.integers(0, 9), st.frozensets(texts, max_size=3))
def test_its_rows_are_the_texts_of_their_codes(
    column: CodedTexts, start: int, end: int, some: frozenset[str | None]
) -> None:
    rows = [column.texts[code] for code in column.codes]
    assert (len(column), column.tolist(), column[start:end].tolist()) == (len(rows), rows, rows[start:end])
    assert column.among(some).tolist() == [row in some for row in rows]
    array = np.asarray(column)
    assert (array.dtype, array.tolist()) == (np.dtype(object), rows)


def test_some_rows_of_a_column_of_many_texts_hold_no_more_texts_than_rows() -> None:
    texts = tuple(f"text {number}" for number in range(2 * FEW_TEXTS))
    column = CodedTexts(texts, np.arange(len(texts), dtype=np.intp)[::-1])
    some = column[5:8]
    assert some.tolist() == ["text 1994", "text 1993", "text 1992"]
    assert len(some.texts) == len(some) == 3


@given(st.lists(columns(), min_size=1, max_size=4))
def test_columns_behind_each_other_are_their_rows_behind_each_other(parts: list[CodedTexts]) -> None:
    assert joined(parts).tolist() == [row for part in parts for row in part.tolist()]
