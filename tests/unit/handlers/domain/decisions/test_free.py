"""The rule of cheap deployments, with the outside played by the test."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from handlers.domain.decisions import free
from handlers.domain.decisions.recipes import Part
from handlers.domain.decisions.requests import Ruling, Trial
from handlers.domain.decisions.running import run
from handlers.domain.decisions.state import State
from handlers.domain.decisions.units import Unit
from handlers.domain.learning_settings import Judging, PromotionSettings
from tests.unit.handlers.domain.decisions.samples import Answers, block, judged, promised, shadow, state_with

SETTINGS = Judging(promotion=PromotionSettings(deployments="free"))
BOTH = ("logistic", "explainable_boosting")
BETTER, SAME = dict.fromkeys(BOTH, -1.0), dict.fromkeys(BOTH, 1.0)


def rule(state: State, units: Sequence[Unit], outside: Answers, rows: int = 500) -> Ruling:
    for unit in units:
        state = judged(state, unit)
    return run(free.judge(state, units, SETTINGS, rows), outside)


def quiet(number: int, rows: int = 400) -> Unit:
    return block(number, rows, signs={"m1": 1.0})


def harmful(number: int) -> Unit:
    return block(number, signs={"m1": 1.0}, truth=-1.0)


def test_while_nothing_is_suspected_nothing_is_tried() -> None:
    outside = Answers(trial=BETTER)
    ruling = rule(state_with(shadow(), clock=0), [quiet(2)], outside)
    assert (ruling.trigger, ruling.deploy, outside.asked) == ("none", None, [])
    assert ruling.state.shadows == ()


def test_a_challenger_on_everything_is_tried_when_the_rows_have_doubled_or_twelve_units_have_passed() -> None:
    for state, rows in ((state_with(clock=0), 800), (state_with(clock=free.PATIENCE - 1), 500)):
        outside = Answers(trial=SAME)
        ruling = rule(state, [quiet(2), quiet(3)], outside, rows)
        [asked] = outside.asked
        assert isinstance(asked, Trial)
        assert not asked.half
        assert asked.parts == tuple(Part(name, 1) for name in BOTH)
        assert ruling.trigger == "evidence"
        assert (ruling.state.clock, ruling.state.trained_rows) == (0, rows)


def test_after_an_alarm_everything_what_came_since_the_change_and_the_newest_units_are_tried() -> None:
    state = state_with()
    for number in range(2, 12):
        state = judged(state, quiet(number, 50))
    outside = Answers(trial=SAME)
    ruling = rule(state, [harmful(12)], outside)
    asked = outside.asked[0]
    assert isinstance(asked, Trial)
    assert ruling.state.since == 12
    assert {part.first for part in asked.parts} == {1, 9}  # since the change there is nothing before the newest unit
    assert ruling.trigger == "harm"
    following = Answers(trial=SAME)
    run(free.judge(judged(ruling.state, harmful(13)), [harmful(13)], SETTINGS, 500), following)
    later = following.asked[0]
    assert isinstance(later, Trial)
    assert {part.first for part in later.parts} == {1, 10, 12}


def test_the_best_of_them_is_deployed_if_it_is_better_on_the_newest_unit_that_it_has_not_seen() -> None:
    ruling = rule(state_with(), [quiet(2), quiet(3), harmful(4)], Answers(trial=BETTER))
    assert ruling.verdict == "better"
    assert ruling.deploy is not None
    assert ruling.best is not None
    assert ruling.best.sample.blocks == (4,)
    assert ruling.reference is not None
    assert ruling.reference.rows == 400


def test_blends_of_the_same_window_are_tried_beside_each_alone() -> None:
    ruling = rule(state_with(), [quiet(2), harmful(3)], Answers(trial=BETTER))
    tried = {(one.recipe.estimator, one.recipe.first) for one in ruling.compared}
    assert {("blend", 1), ("logistic", 1), ("explainable_boosting", 1)} <= tried
    assert all(len({part.first for part in one.recipe.parts}) == 1 for one in ruling.compared)


def test_where_nothing_better_is_found_the_new_level_is_accepted() -> None:
    outside = Answers(trial=SAME)
    ruling = rule(state_with(), [quiet(2), harmful(3)], outside)
    assert (ruling.state.adapting, ruling.deploy) == (1, None)
    calm = judged(ruling.state, quiet(4))
    calm = type(calm)(**{name: getattr(calm, name) for name in calm.__struct_fields__} | {"watch_cusum": 0.0})
    ruling = run(free.judge(calm, [quiet(4)], SETTINGS, 500), outside)
    assert (ruling.state.adapting, ruling.state.phase) == (0, "stable")


def test_guard_rails_hold_here_too() -> None:
    outside = Answers(trial=BETTER)
    unit = harmful(3)
    poor = unit.labels == (unit.said["m1"] > unit.said["m1"].mean())  # those whom the old model told rightly
    outside.segments_found = {"region = north": poor}
    ruling = rule(state_with(), [quiet(2), unit], outside)
    assert ruling.deploy is None
    assert [breach.score for breach in ruling.breaches] == ["loss for region = north"]
    assert ruling.state.adapting == 1


def test_it_alarms_sooner_than_the_sparing_rule() -> None:
    state = state_with(reference=promised("m1"))
    assert state.reference is not None
    ruling = rule(state, [block(2, 500, signs={"m1": 1.0}, truth=0.65)], Answers(trial=SAME))
    reading = ruling.state.path[-1]
    assert (reading.limit, reading.cusum_limit) == (2.5, 3.0)
    assert reading.alarm == (reading.watch_z > 2.5 or reading.watch_cusum > 3.0)


def test_without_a_champion_there_is_nothing_to_judge() -> None:
    with pytest.raises(ValueError, match="no champion"):
        run(free.judge(State(), [quiet(2)], SETTINGS, 400), Answers())
