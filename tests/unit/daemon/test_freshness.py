"""When a drop is late."""

from __future__ import annotations

from datetime import datetime

import pytest

from daemon.freshness import late

LAST = "2026-06-01T06:00:00.000Z"
THEN = datetime.fromisoformat(LAST).timestamp()
DAY = 86_400.0


@pytest.mark.parametrize(
    ("last_drop_at", "expected_every", "days"),
    [(LAST, 31 * DAY, 31.0), (LAST, 31 * DAY, -3.0), (LAST, None, 400.0), (None, 31 * DAY, 400.0)],
)
def test_nothing_is_late_in_time_nor_before_the_first_drop_nor_where_none_is_expected(
    last_drop_at: str | None, expected_every: float | None, days: float
) -> None:
    assert late(last_drop_at, expected_every, THEN + days * DAY) is None


def test_a_drop_that_has_not_come_is_told_with_both_times() -> None:
    found = late(LAST, 31 * DAY, THEN + 35 * DAY)
    assert found is not None
    assert found.last_drop_at == LAST
    assert found.sentence.startswith("The last drop came 35 days ago, expected is one every 31 days")
