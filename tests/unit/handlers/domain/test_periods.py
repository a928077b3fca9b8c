from __future__ import annotations

from itertools import permutations

import pytest

from handlers.domain.periods import is_impossible_date, period_order


@pytest.mark.parametrize(
    "periods",
    [
        ["2", "10", "10.5", "1e"],
        ["2024-12", "2025-01", "2025-02", "2025-10"],
        ["2025-W2", "2025-W10"],
        ["-1", "0", "20", "Q2 2024", "Q10 2024"],
        ["week 9", "week 9a", "week 10", "week " + "9" * 5000],
        ["01", "1", "2"],
        ["", "a", "a ", "b"],
    ],
)
def test_periods_come_in_natural_order_whatever_the_order_of_the_rows(periods: list[str]) -> None:
    for rows in permutations(periods):
        assert period_order([*rows, *reversed(rows)]) == periods


@pytest.mark.parametrize(
    ("text", "impossible"),
    [
        ("2024-02-29", False),
        ("2023-02-29", True),
        ("1900-02-29", True),
        ("2000-02-29T", False),
        ("2024-04-31 ", True),
        ("2024-00-01", True),
        ("2024-12-00", True),
        ("9999-12-31", False),
        ("0000-02-29", False),
        ("2024-13", False),
        ("2024-02-30x", False),
        ("30.02.2024", False),
    ],
)
def test_only_a_date_of_iso_form_can_be_impossible(text: str, impossible: bool) -> None:
    assert is_impossible_date(text) == impossible
