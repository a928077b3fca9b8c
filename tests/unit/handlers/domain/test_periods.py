from __future__ import annotations

from itertools import permutations

import pytest

from handlers.domain.periods import period_order


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
