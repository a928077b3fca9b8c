"""The policies that weigh no evidence."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from handlers.domain.decisions import fixed_policies, transitions
from handlers.domain.decisions.fixed_policies import decide
from handlers.domain.decisions.recipes import Part, Recipe, over
from handlers.domain.decisions.requests import Ruling
from handlers.domain.decisions.running import run
from handlers.domain.decisions.state import KNOWN_UNITS, Incumbent, State
from handlers.domain.learning_settings import DriftSettings, Judging
from tests.unit.handlers.domain.decisions.samples import Answers, block, judged, state_with

STEADY = (0.60, 0.62, 0.61, 0.60, 0.62)


def after(units: int, *, scores: tuple[float, ...] = ()) -> State:
    state = state_with(scores_f1=scores)
    for number in range(2, units + 2):
        state = transitions.add_unit(state, (number,), 400)
    return state


@pytest.mark.parametrize(
    ("policy", "state", "now", "last", "first"),
    [
        ("never", after(3), 0.1, 0.9, None),
        ("always", after(3), 0.9, 0.1, 1),
        ("always:2", after(5), 0.9, 0.1, 5),
        ("always:5", after(5), 0.9, 0.1, 2),
        ("always:6", after(5), 0.9, 0.1, 1),
        ("always:5", after(2), 0.9, 0.1, 1),
        ("always:5", after(90), 0.9, 0.1, 87),
        ("always:100", after(90), 0.9, 0.1, 92 - KNOWN_UNITS),
        ("every:3", after(2), 0.1, 0.9, None),
        ("every:3", after(3), 0.9, 0.1, 1),
        ("every:3", after(4), 0.9, 0.1, None),
        ("every:3", after(6), 0.9, 0.1, 1),
        ("raw_f1", after(3), 0.59, 0.60, 1),
        ("raw_f1", after(3), 0.60, 0.60, None),
        ("iqr", after(6, scores=STEADY), 0.56, 0.6, 1),
        ("iqr", after(6, scores=STEADY), 0.58, 0.6, None),
        ("two_sigma", after(6, scores=STEADY), 0.58, 0.6, 1),
        ("two_sigma", after(6, scores=STEADY), 0.60, 0.6, None),
        ("iqr", after(2, scores=(0.6, 0.6)), 0.0, 0.6, None),
        ("two_sigma", after(2, scores=(0.6, 0.6)), 0.0, 0.6, None),
    ],
)
def test_a_policy_is_a_table(policy: str, state: State, now: float, last: float, first: int | None) -> None:
    found = decide(policy, state, now, last)
    assert found.first == first
    assert found.note.endswith(".")


def test_the_limits_are_those_of_the_course() -> None:
    lower, upper = np.quantile(STEADY, (0.25, 0.75))
    assert f"{lower - 1.5 * (upper - lower):.3f}" in decide("iqr", after(6, scores=STEADY), 0.6, 0.6).note
    assert f"{np.mean(STEADY) - 2 * np.std(STEADY):.3f}" in decide("two_sigma", after(6, scores=STEADY), 0.6, 0.6).note


def test_there_is_no_policy_of_another_name() -> None:
    with pytest.raises(ValueError, match="sometimes"):
        decide("sometimes", after(1), 0.5, 0.5)


def ruled(policy: str, state: State, f1: tuple[float, float] = (0.5, 0.6)) -> Ruling:
    unit = block(state.units[-1][0] + 1, 50, signs={"m1": 1.0})
    settings = Judging(DriftSettings(policy=policy))
    return run(fixed_policies.judge(judged(state, unit), [unit], settings, f1), Answers())


def test_what_is_deployed_has_the_champions_estimators() -> None:
    recipe = Recipe((Part("logistic", 1), Part("explainable_boosting", 3)))
    state = replace(after(3), champion=Incumbent(1, recipe, 1))
    ruling = ruled("always", state)
    assert ruling.deploy == over(("logistic", "explainable_boosting"), 1)
    assert (ruling.trigger, ruling.judged, ruling.verdict) == ("policy", False, None)


def test_the_trigger_says_whether_the_score_decided() -> None:
    assert ruled("raw_f1", after(3)).trigger == "f1"
    assert ruled("raw_f1", after(3), (0.7, 0.6)).trigger == "none"
    assert ruled("never", after(3)).trigger == "none"


def test_scores_are_kept_for_the_tests_and_do_not_grow_without_end() -> None:
    state = after(3, scores=tuple([0.5] * fixed_policies.F1_HISTORY))
    kept = ruled("never", state, (0.7, 0.6)).state.scores_f1
    assert len(kept) == fixed_policies.F1_HISTORY
    assert kept[-1] == 0.7


@pytest.mark.parametrize("every", [3, 7, 50])
def test_every_so_many_blocks_means_it_for_ever(every: int) -> None:
    state, due = after(1), []
    for number in range(1, 500):
        ruling = ruled(f"every:{every}", state)
        state = ruling.state
        if ruling.deploy is not None:
            due.append(number)
    assert set(np.diff(due).tolist()) == {every}
    assert len(due) == pytest.approx(500 / every, abs=1)


def test_without_a_champion_there_is_nothing_to_judge() -> None:
    with pytest.raises(ValueError, match="no champion"):
        run(fixed_policies.judge(State(), [], Judging(), (0.5, 0.5)), Answers())
