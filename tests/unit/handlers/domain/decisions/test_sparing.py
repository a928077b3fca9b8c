"""The rule of sparing deployments, with the outside played by the test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from handlers.domain.decisions import sparing, succession, transitions
from handlers.domain.decisions.loss_level import level, losses
from handlers.domain.decisions.recipes import Part, Recipe, over
from handlers.domain.decisions.requests import HeldOut, Ruling, Segments, Trial
from handlers.domain.decisions.running import run
from handlers.domain.decisions.state import KNOWN_UNITS, PATH, Incumbent, State
from handlers.domain.decisions.succession import Place
from handlers.domain.decisions.units import Unit
from handlers.domain.learning_settings import DriftSettings, Judging, PromotionSettings, TrainingSettings
from tests.unit.handlers.domain.decisions.samples import Answers, block, judged, promised, shadow, state_with

SETTINGS = Judging()
BOTH = ("logistic", "explainable_boosting")
WEAK = {"m1": 0.5, "s1": 1.0}
"""A champion that knows half of what its challenger knows."""


def rule(
    state: State, units: Sequence[Unit], outside: Answers | None = None, judging: Judging = SETTINGS, rows: int = 500
) -> Ruling:
    """What the rule says of the newest of these units; the state does not name it yet."""
    for unit in units:
        state = judged(state, unit)
    return run(sparing.judge(state, units, judging, rows), outside or Answers(trial=dict.fromkeys(BOTH, -1.0)))


def weak_state(*shadows: Any, **changes: Any) -> State:
    return state_with(*shadows, **{"reference": promised("m1", sign=0.5), **changes})


# -- evidence without an alarm --------------------------------------------------------------------------------------


def test_a_champion_that_keeps_its_promise_and_has_no_challenger_stays() -> None:
    ruling = rule(state_with(), [block(2, signs={"m1": 1.0})])
    assert (ruling.trigger, ruling.deploy, ruling.refresh, ruling.roll_back) == ("none", None, (), False)
    assert (ruling.best, ruling.verdict, ruling.compared) == (None, None, ())
    assert ruling.judged
    assert ruling.state.phase == "stable"


def test_a_challenger_that_is_better_beyond_chance_is_deployed_with_its_recipe_and_promise() -> None:
    units = [block(number, signs=WEAK) for number in (2, 3, 4)]
    ruling = rule(weak_state(shadow(first=1)), units)
    assert ruling.trigger == "evidence"
    assert ruling.verdict == "better"
    assert ruling.deploy == Recipe((Part("explainable_boosting", 1),))
    shown = np.concatenate([losses(unit.labels, unit.said["s1"]) for unit in units])
    assert ruling.reference == level(shown, np.arange(len(shown)), seed=1)


def test_a_challenger_that_is_no_better_stays_in_waiting() -> None:
    units = [block(number, signs={"m1": 1.0, "s1": 0.95}) for number in (2, 3)]
    ruling = rule(state_with(shadow()), units)
    assert ruling.deploy is None
    assert ruling.verdict in ("not better", "not enough evidence")
    assert ruling.best is not None
    assert ruling.state.shadows == (shadow(),)


def test_only_the_newest_units_are_evidence() -> None:
    units = [block(number, 60, signs=WEAK) for number in range(2, 16)]
    [compared] = rule(weak_state(shadow()), units).compared
    assert compared.sample.blocks == tuple(range(8, 16))


def test_what_came_before_the_evidence_begins_does_not_count() -> None:
    units = [block(number, 60, signs=WEAK) for number in range(2, 6)]
    [compared] = rule(weak_state(shadow(), since=4), units).compared
    assert compared.sample.blocks == (4, 5)


def test_guard_rails_block_a_better_loss_and_say_why() -> None:
    units = [block(number, signs=WEAK) for number in (2, 3, 4)]
    outside = Answers()
    poor = np.zeros(1200, dtype=np.bool_)
    rise = [losses(unit.labels, unit.said["s1"]) - losses(unit.labels, unit.said["m1"]) for unit in units]
    poor[np.argsort(np.concatenate(rise))[-150:]] = True  # just those of whom the challenger is more wrong
    outside.segments_found = {"region = north": poor}
    ruling = rule(weak_state(shadow()), units, outside)
    assert ruling.deploy is None
    assert ruling.reference is None
    assert ruling.verdict == "better"
    assert [breach.score for breach in ruling.breaches] == ["loss for region = north"]
    [asked] = outside.asked
    assert isinstance(asked, Segments)
    assert asked.blocks == (2, 3, 4)
    assert len(asked.rows) == 1200


@pytest.mark.parametrize(("deployments", "recent"), [((), 0), ((2,), 1), ((2, 11), 2), ((1,), 0), ((2, 5, 9), 3)])
def test_each_deployment_of_late_makes_the_next_one_dearer(deployments: tuple[int, ...], recent: int) -> None:
    state = state_with(judged=11, deployments=deployments)
    demand = sparing.demanded(state, SETTINGS, 1.28)
    promotion = SETTINGS.promotion
    assert demand.least == pytest.approx(promotion.minimum_gain * (1 + promotion.repeat_cost * recent))
    assert (demand.z, demand.noise, demand.seed) == (1.28, promotion.block_noise, SETTINGS.training.seed)


def test_a_challenger_that_has_learned_as_much_again_needs_less_proof_and_gets_no_noise() -> None:
    units = [block(number, signs={"m1": 0.9, "s1": 0.94}) for number in (5, 6)]
    of_more = shadow(first=1, last=4)
    known = {"units": ((2,), (3,), (4,)), "totals": (800, 1200, 1600), "reference": promised("m1", sign=0.9)}
    [grown] = rule(state_with(of_more, **known), units).compared
    [usual] = rule(state_with(shadow(first=2, last=4), **known), units).compared
    assert grown.gain == usual.gain
    assert grown.error < usual.error
    promotion = SETTINGS.promotion
    assert grown.gain - grown.low == pytest.approx(promotion.growth_confidence_z * grown.error)
    assert usual.gain - usual.low == pytest.approx(promotion.confidence_z * usual.error)


# -- after an alarm -------------------------------------------------------------------------------------------------


def test_after_an_alarm_challengers_are_tried_that_have_learned_since_the_change_and_from_half_of_the_unit() -> None:
    units = [block(2, signs={"m1": 1.0}), block(3, signs={"m1": 1.0}, truth=-1.0)]
    outside = Answers(trial=dict.fromkeys(BOTH, 1.0))
    state = rule(state_with(), units[:1]).state
    ruling = run(sparing.judge(judged(state, units[1]), units, SETTINGS, 500), outside)
    asked = outside.asked[0]
    assert isinstance(asked, Trial)
    assert asked.half
    assert asked.unit is units[1]
    assert {Part(name, 3) for name in BOTH} <= set(asked.parts)
    assert {part.first for part in asked.parts} <= {1, 3}
    assert ruling.trigger == "harm"
    assert ruling.state.path[-1].alarm
    assert ruling.state.since == 3
    assert ruling.refresh


def test_a_challenger_that_has_learned_the_change_is_deployed_at_once() -> None:
    changed = block(3, signs={"m1": 1.0}, truth=-1.0)
    units = [block(2, signs={"m1": 1.0}), changed]
    ruling = rule(state_with(), units, Answers(trial=dict.fromkeys(BOTH, -1.0)))
    assert ruling.verdict == "better"
    assert ruling.deploy is not None
    assert ruling.reference is not None
    assert ruling.best is not None
    assert ruling.best.sample.rows.tolist() == changed.rows[changed.held_half].tolist()
    assert ruling.reference.rows == changed.held_half.sum()


def test_where_nothing_better_is_found_the_new_level_is_accepted_after_so_many_units() -> None:
    state = state_with()
    harmful = [block(2, signs={"m1": 1.0}, truth=-1.0), *(block(number, signs={"m1": 1.0}) for number in (3, 4))]
    outside = Answers(trial=dict.fromkeys(BOTH, 1.0))
    ruling = rule(state, harmful[:1], outside)
    assert (ruling.deploy, ruling.state.adapting, ruling.state.phase) == (None, 1, "adapting")
    calm = replace(ruling.state, cusum=0.0)
    ruling = run(sparing.judge(judged(calm, harmful[1]), harmful[:2], SETTINGS, 500), outside)
    assert (ruling.state.adapting, ruling.state.phase, ruling.state.cusum) == (0, "stable", 0.0)
    assert ruling.state.reference is not None
    assert ruling.state.reference.rows == len(harmful[1].labels)


def test_harm_that_lasts_with_nothing_better_is_accepted_and_does_not_alarm_for_ever() -> None:
    state = state_with()
    outside = Answers(trial=dict.fromkeys(BOTH, 1.0))
    alarms = []
    for number in range(2, 12):
        unit = block(number, signs={"m1": 1.0}, truth=-1.0)
        ruling = run(sparing.judge(judged(state, unit), [unit], SETTINGS, 500), outside)
        state = ruling.state
        alarms.append(state.path[-1].alarm)
    assert alarms[:2] == [True, True]
    assert not any(alarms[2:])


def test_a_unit_whose_halves_cannot_both_be_used_is_not_tried() -> None:
    one_client = block(3, signs={"m1": 1.0}, truth=-1.0, clients=1)
    outside = Answers()
    rule(state_with(), [one_client], outside)
    assert not [one for one in outside.asked if isinstance(one, Trial)]


# -- the way back ---------------------------------------------------------------------------------------------------


def with_predecessor(**changes: Any) -> State:
    previous = Incumbent(1, over(("logistic",), 1), 1)
    return state_with(version=2, last=2, previous=previous, **changes)


def test_a_champion_that_is_worse_than_promised_and_than_its_predecessor_is_rolled_back() -> None:
    units = [block(number, signs={"m2": -1.0, "m1": 1.0}) for number in (3, 4)]
    ruling = rule(with_predecessor(), units)
    assert ruling.roll_back
    assert (ruling.deploy, ruling.refresh) == (None, ())
    assert ruling.state.champion is not None
    assert ruling.state.champion.version == 1
    assert ruling.best is not None
    assert ruling.best.gain > 0
    assert ruling.reference == ruling.state.reference
    assert ruling.state.since == 5


def test_without_an_alarm_a_better_predecessor_stays_where_it_is() -> None:
    state = with_predecessor(reference=promised("m2", sign=-1.0))
    ruling = rule(state, [block(number, signs={"m2": -1.0, "m1": 1.0}) for number in (3, 4)])
    assert not ruling.state.path[-1].alarm
    assert not ruling.roll_back


def test_a_predecessor_that_is_as_wrong_is_no_way_back() -> None:
    ruling = rule(with_predecessor(), [block(3, signs={"m2": -1.0, "m1": -1.0})])
    assert ruling.state.path[-1].alarm
    assert not ruling.roll_back


def test_a_predecessor_whose_release_is_gone_is_no_way_back() -> None:
    ruling = rule(with_predecessor(), [block(3, signs={"m2": -1.0})])
    assert ruling.state.path[-1].alarm
    assert not ruling.roll_back


def test_a_predecessor_that_is_a_little_less_wrong_is_no_way_back_where_a_new_model_is_right() -> None:
    unit = block(3, signs={"m2": 1.0, "m1": 0.8}, truth=-1.0)
    ruling = rule(with_predecessor(reference=promised("m2")), [unit], Answers(trial=dict.fromkeys(BOTH, -1.0)))
    assert not ruling.roll_back
    assert ruling.deploy is not None
    alone = rule(with_predecessor(reference=promised("m2")), [unit], Answers(trial=dict.fromkeys(BOTH, 1.0)))
    assert alone.roll_back


def test_only_what_both_have_said_since_the_champion_was_deployed_is_held_against_it() -> None:
    units = [block(number, signs={"m2": -1.0, "m1": 1.0}) for number in (2, 3, 4)]
    ruling = rule(with_predecessor(), units)
    assert ruling.best is not None
    assert ruling.best.sample.blocks == (3, 4)


# -- the rule as a whole --------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from([1.0, 0.6, 0.0, -1.0]),  # the truth of the world
        st.sampled_from([1.0, 0.8, -1.0]),  # what challengers know
        st.integers(20, 120),  # rows
        st.sampled_from([None, 1, 7]),  # clients
    ),
    min_size=1,
    max_size=14,
)


class World:
    """Blocks come one after the other; what the rule deploys and refreshes is done."""

    def __init__(self, judging: Judging = SETTINGS) -> None:
        self.judging = judging
        self.state = state_with()
        self.units: list[Unit] = []
        self.signs = {"m1": 1.0}
        self.version, self.rows = 1, 400

    def step(self, truth: float, knows: float, rows: int, clients: int | None) -> Ruling:
        """One unit of these rows, in a world of this truth; new models know this much of it."""
        number = len(self.units) + 2
        said = {name: self.signs[name] for name in self.state.scorers}
        unit = block(number, rows, signs=said, truth=truth, clients=clients)
        self.units.append(unit)
        self.rows += rows
        state = transitions.add_unit(self.state, unit.blocks, self.rows)
        known = self.units[-self.judging.promotion.evidence_blocks :]
        outside = Answers(trial=dict.fromkeys(BOTH, knows))
        ruling = run(sparing.judge(state, known, self.judging, self.rows), outside)
        place, successor = Place(number, self.rows), None
        if ruling.deploy is not None:
            self.version += 1
            held_out = HeldOut(unit.labels, unit.clients, unit.said[next(iter(unit.said))])
            successor = succession.successor(ruling, held_out, place, version=self.version, seed=1)
            self.signs[successor.incumbent.scorer] = knows
        self.state = succession.state_after(ruling, successor, place, self.judging.training)
        self.signs |= {one.name: knows for one in self.state.shadows if one.name not in self.signs}
        return ruling


def numbers(document: Any) -> list[float]:
    if isinstance(document, dict):
        return [found for value in document.values() for found in numbers(value)]
    if isinstance(document, list):
        return [found for value in document for found in numbers(value)]
    return [document] if isinstance(document, float) else []


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_whatever_comes_the_state_is_a_value_that_is_read_back_as_it_was(steps: list[tuple[Any, ...]]) -> None:
    world = World()
    for step in steps:
        ruling = world.step(*step)
        state = world.state
        stored = msgspec.json.encode(msgspec.to_builtins(state))
        assert msgspec.json.decode(stored, type=State) == state
        assert all(math.isfinite(one) for one in numbers(msgspec.to_builtins(state)))
        assert min(state.cusum, state.watch_cusum, state.adapting, state.cusum_units) >= 0
        assert len(state.units) <= KNOWN_UNITS
        assert len(state.path) <= PATH
        assert state.champion is not None
        assert state.phase == "adapting" if state.adapting else state.phase in ("stable", "watch")
        assert (ruling.deploy is not None) + ruling.roll_back <= 1
        assert (ruling.deploy is None) or (ruling.verdict == "better" and not ruling.breaches)
        assert state.champion.version <= world.version
        assert state.previous is None or state.previous.version != state.champion.version


@settings(max_examples=15, deadline=None)
@given(steps=STEPS)
def test_the_same_blocks_give_the_same_rulings(steps: list[tuple[Any, ...]]) -> None:
    one, other = World(), World()
    for step in steps:
        first, second = one.step(*step), other.step(*step)
        assert (first.trigger, first.deploy, first.reference, first.refresh) == (
            second.trigger,
            second.deploy,
            second.reference,
            second.refresh,
        )
        assert one.state == other.state


def test_a_change_of_the_world_is_answered_and_then_there_is_rest() -> None:
    world = World()
    for _ in range(4):
        assert world.step(1.0, 1.0, 400, None).deploy is None
    changed = world.step(-1.0, -1.0, 400, None)
    assert changed.deploy is not None
    assert world.state.phase == "stable"
    for _ in range(6):
        assert not world.step(-1.0, -1.0, 400, None).state.path[-1].alarm


def test_settings_are_obeyed() -> None:
    deaf = Judging(
        DriftSettings(alarm_z=1000.0, alarm_cusum=1e6, watch_z=1000.0, watch_cusum=1e6),
        TrainingSettings(growth=100.0),
        PromotionSettings(confidence_z=1000.0),
    )
    world = World(deaf)
    for _ in range(5):
        ruling = world.step(-1.0, -1.0, 400, None)
        assert (ruling.deploy, ruling.trigger) == (None, "none")


def test_without_a_champion_there_is_nothing_to_judge() -> None:
    with pytest.raises(ValueError, match="no champion"):
        run(sparing.judge(State(), [block(2, signs={"m1": 1.0})], SETTINGS, 400), Answers())
