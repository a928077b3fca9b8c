"""A token bucket lets through what it promises, whatever the rhythm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.rate_limit import RateLimit, ask, full

GAPS = st.lists(st.floats(0.0, 3.0), min_size=1, max_size=100)
LIMITS = st.builds(RateLimit, st.floats(0.1, 100.0), st.integers(1, 20))


def _served(limit: RateLimit, gaps: list[float]) -> list[tuple[float, float]]:
    """For each request its time, and by how much it comes too early."""
    bucket, now, answers = full(limit, 0.0), 0.0, []
    for gap in gaps:
        now += gap
        bucket, early = ask(bucket, limit, now)
        answers.append((now, early))
    return answers


def test_a_burst_is_served_and_the_next_has_to_wait_for_one_request_to_come_in() -> None:
    answers = _served(RateLimit(rate=4.0, burst=3), [0.0] * 4)
    assert [early for _, early in answers] == [0.0, 0.0, 0.0, 0.25]


@given(LIMITS, GAPS)
def test_no_span_of_time_gets_more_than_the_burst_and_its_rate(limit: RateLimit, gaps: list[float]) -> None:
    served = [now for now, early in _served(limit, gaps) if early == 0.0]
    for first, start in enumerate(served):
        for last, end in enumerate(served[first:], start=first):
            assert last - first + 1 <= limit.burst + limit.rate * (end - start) + 1e-6


@given(LIMITS, st.integers(1, 50))
def test_who_keeps_to_the_rate_is_always_served(limit: RateLimit, requests: int) -> None:
    gaps = [1.001 / limit.rate] * requests
    assert all(early == 0.0 for _, early in _served(limit, gaps))


@given(LIMITS, GAPS)
def test_who_comes_back_after_the_time_that_was_said_is_served(limit: RateLimit, gaps: list[float]) -> None:
    bucket, now = full(limit, 0.0), 0.0
    for gap in gaps:
        now += gap
        bucket, early = ask(bucket, limit, now)
    bucket, early = ask(bucket, limit, now)
    assert ask(bucket, limit, now + early + 1e-6)[1] == pytest.approx(0.0, abs=1e-6) or early == 0.0


def test_a_clock_that_stands_still_fills_nothing() -> None:
    limit = RateLimit(1.0, 1)
    bucket, _ = ask(full(limit, 10.0), limit, 10.0)
    assert ask(bucket, limit, 10.0)[1] == 1.0
    assert ask(bucket, limit, 9.0)[1] == 1.0
