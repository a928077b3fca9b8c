"""A scorecard as files: the same to the last bit, or a ValueError that says what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.scorecard import Categories, Cuts, Feature, Scorecard, Table
from handlers.storage import scorecard_files

LARGE = Table((Cuts("x", tuple(float(cut) for cut in range(300))), Cuts("y", (1.0, 2.0))), np.ones((302, 4)))
SMALL = Table((Categories("kind", ("a", "b")),), np.array([0.1, -0.2, 0.0, 0.0]))
CARDS = {
    "small": Scorecard(0.5, 0.4, (SMALL,), (Feature("kind", False),)),
    "large": Scorecard(0.5, 0.4, (LARGE,), (Feature("x", True), Feature("y", True))),
}


@pytest.mark.parametrize("name", list(CARDS))
def test_what_is_read_back_is_what_was_written(name: str) -> None:
    files = scorecard_files.encode(CARDS[name])
    assert scorecard_files.encode(scorecard_files.decode(files)) == files
    assert (scorecard_files.TABLES in files) == (name == "large")


@given(end=st.integers(0, 400), junk=st.binary(max_size=20))
def test_tables_that_were_cut_off_are_told(end: int, junk: bytes) -> None:
    files = scorecard_files.encode(CARDS["large"])
    broken = files | {scorecard_files.TABLES: files[scorecard_files.TABLES][:end] + junk}
    with pytest.raises((ValueError, KeyError)):
        scorecard_files.decode(broken)


def test_tables_that_are_missing_are_told() -> None:
    files = scorecard_files.encode(CARDS["large"])
    with pytest.raises((ValueError, KeyError)):
        scorecard_files.decode({scorecard_files.DOCUMENT: files[scorecard_files.DOCUMENT]})
