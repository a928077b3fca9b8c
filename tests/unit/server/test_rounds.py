"""In each round everybody is looked at once, in time, and never many at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.rounds import AT_MOST, AT_ONCE, TURNS_A_SECOND, Rounds

SECONDS = 1.0


def _turns(crowd: int, late: list[float]) -> list[tuple[float, list[int]]]:
    """When each turn of a round was, and whom it looked at; ``late``: by how much each of the turns came late."""
    rounds: Rounds[int] = Rounds(SECONDS)
    now, turns = 100.0, []
    rounds.begin(range(crowd), now)
    while not rounds.ended:
        turns.append((now - 100.0, rounds.turn(now)))
        now += rounds.pause + (late[len(turns) % len(late)] if late else 0.0)
    return turns


@given(st.integers(0, 5_000), st.lists(st.floats(0.0, 0.2), max_size=5))
def test_everybody_is_looked_at_once(crowd: int, late: list[float]) -> None:
    turns = _turns(crowd, late)
    assert sorted(one for _, looked_at in turns for one in looked_at) == list(range(crowd))
    assert all(len(looked_at) <= AT_MOST for _, looked_at in turns)


@given(st.integers(1, 5_000))
def test_a_round_is_spread_over_its_time(crowd: int) -> None:
    turns = _turns(crowd, [])
    assert turns[-1][0] < SECONDS
    assert len(turns) <= SECONDS * TURNS_A_SECOND
    most = max(len(looked_at) for _, looked_at in turns)
    assert most <= max(AT_ONCE, crowd / (SECONDS * TURNS_A_SECOND) + 1) + 1


@given(st.integers(1, 400), st.floats(0.0, 0.1))
def test_late_turns_look_at_more_so_that_the_round_ends_in_time(crowd: int, late: float) -> None:
    assert _turns(crowd, [late])[-1][0] <= SECONDS + late


def test_whoever_is_many_too_late_still_looks_at_few_at_once() -> None:
    rounds: Rounds[int] = Rounds(SECONDS)
    rounds.begin(range(1_000), 0.0)
    assert [len(rounds.turn(50.0)) for _ in range(10)] == [AT_MOST] * 10
    assert rounds.ended
    assert rounds.turn(51.0) == []
