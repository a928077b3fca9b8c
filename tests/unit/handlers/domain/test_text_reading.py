from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.text_reading import impossible_dates, text_evidence, to_text


def test_text_is_kept_to_the_byte_and_only_blank_is_missing() -> None:
    cells = pa.array([" a ", "", " \t", None, "NA", "-", "\u3000", "\u00e9"], pa.string())
    assert to_text(cells).to_pylist() == [" a ", None, None, None, "NA", "-", None, "\u00e9"]


def test_text_without_blanks_is_not_copied() -> None:
    cells = pa.array(["a", None, "007"], pa.string())
    assert to_text(cells) is cells


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=3)), st.integers(0, 3))
def test_blank_is_what_python_strips_to_nothing(cells: list[str | None], start: int) -> None:
    texts = pa.array(["\u2003", *cells], pa.string())[start:]
    assert to_text(texts).to_pylist() == [cell if cell and cell.strip() else None for cell in texts.to_pylist()]


@pytest.mark.parametrize(("different", "repeated"), [(100, 60), (101, 60), (3, 3000), (101, 6000), (5000, 1)])
def test_texts_are_named_up_to_the_number_of_categories(different: int, repeated: int) -> None:
    names = [f"v{number}" for number in range(different)]
    evidence = text_evidence(pa.array([None, *names * repeated, *["v0"] * 5000]))
    assert evidence.texts == different * repeated + 5000
    assert evidence.distinct == (frozenset(names) if different <= 100 else None)


@pytest.mark.parametrize(
    ("cells", "impossible"),
    [
        (["2024-02-29", "2024-02-30", None], [False, True, False]),
        (["2023-02-29T10:00:00", "2023-02-28 10:00", "x"], [True, False, False]),
        ([" 2024-13-01", "2024-00-10 "], [True, True]),
        (["0000-00-00", "2024-01-31"], [True, False]),
        (["0000-02-29", "2024-04-31"], [False, True]),
    ],
)
def test_dates_that_no_calendar_has_are_impossible(cells: list[str | None], impossible: list[bool]) -> None:
    found = impossible_dates(pa.array(cells, pa.string()))
    assert found is not None
    assert found.tolist() == impossible


@pytest.mark.parametrize(
    "cells",
    [["2024-02-29", "1999-12-31"], ["2024-02", "2024-13"], ["20240230", "week 60", "30.02.2024", "99"], [None], []],
)
def test_another_form_is_never_impossible(cells: list[str | None]) -> None:
    assert impossible_dates(pa.array(cells, pa.string())) is None
