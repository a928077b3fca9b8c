"""Which challengers there are, and when they are trained anew."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handlers.domain.decisions import challengers, transitions
from handlers.domain.decisions.gains import Contender
from handlers.domain.decisions.recipes import Part, Recipe, Shadow, over
from handlers.domain.decisions.state import Incumbent, State
from handlers.domain.learning_settings import TrainingSettings
from tests.unit.handlers.domain.decisions.samples import shadow, state_with

BOTH = ("logistic", "explainable_boosting")
TRAINING = TrainingSettings()


def trained_at(units: int, *, watched: bool = False, start: State | None = None) -> list[tuple[int, set[int]]]:
    """The units, counted from 1, after which challengers are trained, and the first blocks of their windows."""
    state = start or state_with()
    found = []
    for number in range(1, units + 1):
        state = transitions.add_unit(state, (number + 1,), 400)
        if watched:
            state = challengers.watched(state)
        state, parts = challengers.refresh(state, TRAINING, 400)
        if parts:
            assert {part.estimator for part in parts} == set(BOTH)
            found.append((number, {part.first for part in parts}))
    return found


def test_challengers_are_trained_more_and_more_rarely() -> None:
    assert [unit for unit, _ in trained_at(60)] == [7, 15, 31, 47]


def test_the_watch_makes_it_sooner() -> None:
    units = [unit for unit, _ in trained_at(9, watched=True)]
    assert units == [2, 4, 6, 8]


def test_after_an_alarm_they_are_trained_at_once_and_then_after_one_two_and_four_units() -> None:
    start = transitions.alarmed(state_with(), 1, 2)
    assert [unit for unit, _ in trained_at(16, start=replace(start, adapting=0))] == [1, 2, 4, 8, 16]


def test_windows_are_the_champions_everything_and_at_every_third_time_the_newest() -> None:
    start = state_with()
    assert start.champion is not None
    narrow = transitions.deployed(
        start,
        replace(start.champion, version=2, recipe=replace(start.champion.recipe, parts=(Part("logistic", 4),))),
        start.reference,  # type: ignore[arg-type]
    )
    windows = [firsts for _, firsts in trained_at(40, start=narrow)]
    assert windows[:2] == [{1, 4}, {1, 4}]
    third, firsts = trained_at(40, start=narrow)[2]
    assert firsts == {1, 4, third + 1 - TRAINING.recent_blocks + 1}


def test_where_something_is_suspected_the_newest_window_is_tried_at_once() -> None:
    start = transitions.alarmed(state_with(), 5, 2)
    for number in range(2, 10):
        start = transitions.add_unit(start, (number,), 400)
    _, parts = challengers.refresh(start, TRAINING, 400)
    assert {part.first for part in parts} == {1, 6}


def test_rows_that_have_doubled_do_not_wait_for_the_clock() -> None:
    state = transitions.add_unit(state_with(), (2,), 400)
    assert challengers.refresh(state, TRAINING, 799)[1] == ()
    after, parts = challengers.refresh(state, TRAINING, 800)
    assert parts
    assert (after.trained_rows, after.refreshes) == (800, 1)


def test_contenders_are_each_shadow_two_of_different_estimators_and_all_of_several_windows() -> None:
    state = state_with(
        shadow("s1", "logistic", first=1, last=7),
        shadow("s2", "explainable_boosting", first=1, last=7),
        shadow("s3", "logistic", first=4, last=9),
        shadow("s4", "explainable_boosting", first=4, last=9),
    )
    found = challengers.contenders(state)
    names = [one.scorers for one in found]
    assert len(names) == len(set(names))
    assert set(names) == {
        ("s1",), ("s2",), ("s3",), ("s4",),
        ("s1", "s2"), ("s1", "s4"), ("s2", "s3"), ("s3", "s4"),
        ("s1", "s2", "s3", "s4"),
    }  # fmt: skip
    by_name = {one.scorers: one for one in found}
    assert by_name["s2", "s3"].last == 9
    assert [part.first for part in by_name["s2", "s3"].recipe.parts] == [1, 4]


def test_without_shadows_there_are_no_contenders() -> None:
    assert challengers.contenders(state_with()) == []


def test_new_shadows_have_names_that_were_never_used() -> None:
    state = state_with()
    names: list[str] = []
    for last in (3, 6, 9):
        state = transitions.refreshed(state, [Part(name, 1) for name in BOTH], last, 100 * last)
        names += [one.name for one in state.shadows]
        assert state.shadows == tuple(
            Shadow(name, Part(kind, 1), last) for name, kind in zip(names[-2:], BOTH, strict=True)
        )
    assert len(set(names)) == 6


def grown_state(rows: list[int], *, champion_rows: int, first: int = 1) -> State:
    """Blocks 2, 3, ... with these many rows after a first one of 400; the champion has learned from block ``first``."""
    state = state_with(champion=Incumbent(1, over(("logistic",), first), 1, rows=champion_rows))
    total = 400
    for number, count in enumerate(rows, start=2):
        total += count
        state = transitions.add_unit(state, (number,), total)
    return state


@pytest.mark.parametrize(
    ("rows", "last", "grown"),
    [([400], 2, True), ([399], 2, False), ([200, 200], 3, True), ([200, 200], 2, False), ([], 1, False)],
)
def test_who_has_learned_all_that_the_champion_has_and_as_much_again_has_grown(
    rows: list[int], last: int, grown: bool
) -> None:
    contender = Contender(("s1",), over(("logistic", "explainable_boosting"), 1), last)
    assert challengers.has_grown(contender, grown_state(rows, champion_rows=400), TRAINING) == grown


def test_many_small_blocks_are_no_growth_beside_a_large_one() -> None:
    state = grown_state([200] * 30, champion_rows=50_000)
    assert not challengers.has_grown(Contender(("s1",), over(("logistic",), 1), 31), state, TRAINING)


def test_who_has_not_learned_what_the_champion_has_has_not_grown() -> None:
    state = grown_state([1000] * 9, champion_rows=400)
    assert not challengers.has_grown(Contender(("s1",), over(("logistic",), 4), 10), state, TRAINING)


def test_an_average_of_windows_has_not_grown() -> None:
    contender = Contender(("s1", "s2"), Recipe((Part("logistic", 1), Part("explainable_boosting", 2))), 9)
    assert not challengers.has_grown(contender, grown_state([1000] * 9, champion_rows=400), TRAINING)
