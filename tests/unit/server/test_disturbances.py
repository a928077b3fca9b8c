"""A flood is told in a few lines, and all of it is counted in them."""

from __future__ import annotations

import pytest

from server.disturbances import EVENTS, LINES_AT_ONCE, Cause, Disturbance, Disturbances

MALFORMED = Disturbance(Cause.MALFORMED, "192.0.2.1", "id")
REFUSED = Disturbance(Cause.TOO_MANY, "192.0.2.1", "id")


@pytest.fixture
def told() -> list[Disturbance]:
    return []


@pytest.fixture
def disturbances(told: list[Disturbance]) -> Disturbances:
    return Disturbances(told.append)


def test_the_first_ones_are_told_as_they_come(disturbances: Disturbances, told: list[Disturbance]) -> None:
    for _ in range(LINES_AT_ONCE):
        disturbances.seen(MALFORMED, 5.0)
    assert told == [MALFORMED] * LINES_AT_ONCE
    assert not disturbances.pending


def test_the_rest_is_counted_in_the_next_line(disturbances: Disturbances, told: list[Disturbance]) -> None:
    for _ in range(LINES_AT_ONCE + 10):
        disturbances.seen(MALFORMED, 5.0)
    assert len(told) == LINES_AT_ONCE
    disturbances.seen(MALFORMED, 6.0)
    assert told[-1] == Disturbance(Cause.MALFORMED, "192.0.2.1", "id", not_logged=10)
    assert sum(1 + one.not_logged for one in told) == LINES_AT_ONCE + 11


def test_what_no_line_has_told_is_told_after_the_flood(disturbances: Disturbances, told: list[Disturbance]) -> None:
    for _ in range(LINES_AT_ONCE + 10):
        disturbances.seen(MALFORMED, 5.0)
    disturbances.flush(5.5)
    assert disturbances.pending
    disturbances.flush(6.0)
    assert told[-1].not_logged == 9
    assert sum(1 + one.not_logged for one in told) == LINES_AT_ONCE + 10
    assert not disturbances.pending


def test_a_flood_of_one_event_does_not_hide_another(disturbances: Disturbances, told: list[Disturbance]) -> None:
    for _ in range(LINES_AT_ONCE + 10):
        disturbances.seen(MALFORMED, 5.0)
    disturbances.seen(REFUSED, 5.0)
    assert told[-1] == REFUSED


def test_every_cause_has_an_event() -> None:
    assert set(EVENTS) == set(Cause)
