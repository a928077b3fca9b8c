"""Which rule a block comes before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from handlers.domain.decisions.docket import Case, rule_of
from handlers.domain.decisions.recipes import over
from handlers.domain.decisions.requests import Ruling
from handlers.domain.decisions.running import run
from handlers.domain.decisions.state import State
from handlers.domain.decisions.units import Unit, pooled
from handlers.domain.learning_settings import DriftSettings, Judging, PromotionSettings
from tests.unit.handlers.domain.decisions.samples import Answers, block, shadow, state_with

SETTINGS = Judging()


def nobody(units: Sequence[Sequence[int]]) -> list[Unit]:
    """Nothing has been scored before."""
    assert not [one for one in units if one]
    return []


def case(**changes: Any) -> Case:
    plain: dict[str, Any] = {
        "block": 9, "state": state_with(), "scored": block(9, signs={"m1": 1.0}), "earlier": nobody,
        "rows": 900, "positives": 200,
    }  # fmt: skip
    return Case(**{**plain, **changes})


def ruled(settings: Judging = SETTINGS, **changes: Any) -> Ruling:
    return run(rule_of(case(**changes), settings), Answers(trial={}))


def test_without_a_model_the_first_is_made_on_everything() -> None:
    ruling = ruled(state=State(), scored=None)
    assert (ruling.trigger, ruling.deploy, ruling.state.oldest) == ("first", over(("logistic",), 9), 9)


def test_a_provisional_model_is_made_anew_with_each_block() -> None:
    state = state_with(oldest=4)
    assert state.champion is not None
    provisional = replace(state, champion=replace(state.champion, provisional=True))
    assert ruled(state=provisional, rows=60).trigger == "provisional"
    assert ruled(state=provisional, rows=900).deploy == over(("logistic",), 4)


def test_where_nothing_can_be_learned_one_waits() -> None:
    ruling = ruled(state=State(), scored=None, learnable=False, rows=30, positives=0)
    assert (ruling.trigger, ruling.deploy) == ("none", None)
    assert ruling.note == "All 30 labelled rows so far have the same label: nothing to learn from."
    assert "no column" in ruled(state=State(), scored=None, learnable=False, rows=30, positives=4).note


def test_labels_that_were_corrected_since_they_came_are_no_reason_to_wait() -> None:
    assert ruled(state=State(), scored=None, learnable=True, rows=30, positives=0).deploy is not None


def test_a_block_without_rows_decides_nothing() -> None:
    ruling = ruled(scored=None)
    assert (ruling.trigger, ruling.state) == ("none", state_with())


def test_rows_that_come_late_are_learned_from_and_decide_nothing() -> None:
    ruling = ruled(late=True)
    assert (ruling.trigger, ruling.judged, ruling.state.units) == ("none", False, ())
    assert "older" in ruling.note


def test_enough_rows_are_a_unit() -> None:
    ruling = ruled()
    assert ruling.judged
    assert ruling.state.units == ((9,),)
    assert ruling.state.path[-1].rows == 400


class Kept:
    """Blocks that were scored, as the daemon keeps them."""

    def __init__(self) -> None:
        self.blocks: dict[int, Unit] = {}

    def earlier(self, units: Sequence[Sequence[int]]) -> list[Unit]:
        """The units of these blocks."""
        return [pooled([self.blocks[number] for number in numbers]) for numbers in units if numbers]


@given(sizes=st.lists(st.integers(1, 260), min_size=1, max_size=12))
def test_few_rows_are_pooled_until_there_are_enough_and_each_is_judged_once(sizes: list[int]) -> None:
    kept, state, rows = Kept(), state_with(), 400
    waits: list[int] = []
    for number, size in enumerate(sizes, start=2):
        unit = block(number, size, signs=dict.fromkeys(state.scorers, 1.0))
        kept.blocks[number] = unit
        rows += size
        waits.append(number)
        ruling = ruled(block=number, state=state, scored=unit, earlier=kept.earlier, rows=rows)
        state = replace(ruling.state, shadows=())
        labels = np.concatenate([kept.blocks[one].labels for one in waits])
        positives = int(labels.sum())
        ripe = len(labels) >= 200 and min(positives, len(labels) - positives) >= 20
        assert ruling.judged == ripe
        if ripe:
            assert state.units[-1] == tuple(waits)
            assert state.path[-1].rows == len(labels)
            waits = []
        assert state.pool == tuple(waits)
    judged = [number for unit in state.units for number in unit]
    assert judged + waits == list(range(2, len(sizes) + 2))


def test_few_of_the_rarer_class_are_pooled_too() -> None:
    unit = block(9, 2000, signs={"m1": 1.0})
    rare = Unit(unit.blocks, unit.rows, np.zeros(2000, dtype=np.int8), unit.clients, unit.said)
    ruling = ruled(scored=rare)
    assert ruling.state.pool == (9,)
    assert "2,000 new rows with 0 of the rarer class" in ruling.note


def test_what_was_pooled_for_another_champion_is_left_out() -> None:
    kept = Kept()
    kept.blocks[8] = block(8, 150, signs={"m0": 1.0})
    ruling = ruled(state=state_with(pool=(8,)), scored=block(9, 150, signs={"m1": 1.0}), earlier=kept.earlier)
    assert ruling.state.pool == (9,)


def test_units_that_are_known_are_read_up_to_the_evidence_that_counts() -> None:
    asked: list[list[tuple[int, ...]]] = []

    def earlier(units: Sequence[Sequence[int]]) -> list[Unit]:
        asked.append([tuple(one) for one in units])
        return [block(numbers[0], 50, signs={"m1": 1.0, "s1": 1.0}) for numbers in units]

    known = tuple((number,) for number in range(2, 9))
    state = state_with(shadow(), units=known)
    scored = block(9, signs={"m1": 1.0, "s1": 1.0})
    ruling = ruled(Judging(promotion=PromotionSettings(evidence_blocks=3)), state=state, scored=scored, earlier=earlier)
    assert asked == [[(7,), (8,)]]
    assert ruling.compared[0].sample.blocks == (7, 8, 9)


@pytest.mark.parametrize(
    ("settings", "trigger", "judged"),
    [
        (SETTINGS, "none", True),
        (Judging(promotion=PromotionSettings(deployments="free")), "evidence", True),  # the rows have doubled
        (Judging(DriftSettings(policy="always")), "policy", False),
        (Judging(DriftSettings(policy="never")), "none", False),
        (Judging(DriftSettings(policy="raw_f1")), "f1", False),
    ],
)
def test_the_policy_and_the_deployments_choose_the_rule(settings: Judging, trigger: str, judged: bool) -> None:
    ruling = ruled(settings, last_f1=1.0)
    assert (ruling.trigger, ruling.judged) == (trigger, judged)


def test_the_f1_is_that_of_the_champions_threshold_on_the_newest_unit() -> None:
    every = ruled(Judging(DriftSettings(policy="raw_f1")), threshold=0.0, last_f1=0.2)
    labels = case().scored.labels  # type: ignore[union-attr]
    share = labels.mean()
    assert every.statistics["f1"] == pytest.approx(2 * share / (1 + share))
    assert every.statistics["last_f1"] == 0.2
    assert ruled(Judging(DriftSettings(policy="raw_f1")), threshold=1.0, last_f1=0.2).statistics["f1"] == 0.0


def test_a_challenge_comes_before_the_rule_of_the_first_models() -> None:
    outside = Answers(held_out=dict.fromkeys(("logistic", "explainable_boosting"), np.zeros(10)))
    outside.labels = np.array([0, 1] * 5, dtype=np.int8)
    challenge = case(challenge=True, scored=None, state=state_with(challenge_due=True))
    ruling = run(rule_of(challenge, SETTINGS), outside)
    assert ruling.trigger == "challenge"
    assert not ruling.state.challenge_due
