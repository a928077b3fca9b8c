"""The harm test: what is an alarm, what is watched, and when a level is accepted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from handlers.domain.decisions import harm, transitions
from handlers.domain.decisions.loss_level import LossLevel, level, losses
from handlers.domain.decisions.state import PATH, State
from handlers.domain.learning_settings import DriftSettings
from tests.unit.handlers.domain.decisions.samples import BASE, SLOPE, labels_of, signals, state_with

SETTINGS = DriftSettings()
RISES = st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=30)


def start(reference: LossLevel | None = None) -> State:
    return state_with(reference=reference or LossLevel(0.4, 0.16, 2000.0))


def read(state: State, rise: float, *, rows: int = 500, settings: DriftSettings = SETTINGS) -> State:
    """One unit whose loss is above the reference by this part of it."""
    assert state.reference is not None
    block = len(state.path) + 2
    now = LossLevel((1 + rise) * 0.4, 0.16, float(rows))
    state = transitions.add_unit(state, (block,), 400)
    return harm.settle(harm.observe(state, block, now, settings), now, settings)


def after(rises: list[float], settings: DriftSettings = SETTINGS) -> State:
    state = start()
    for rise in rises:
        state = read(state, rise, settings=settings)
    return state


def test_one_block_far_above_its_reference_is_an_alarm() -> None:
    state = after([0.0, 0.3])
    assert [one.alarm for one in state.path] == [False, True]
    assert state.path[-1].phase == "adapting"
    assert state.path[-1].z > SETTINGS.alarm_z


def test_a_small_rise_that_lasts_is_an_alarm_by_its_sum_though_no_block_is() -> None:
    state = after([0.1] * 12)
    first = next(place for place, one in enumerate(state.path) if one.alarm)
    assert state.path[first].z < SETTINGS.alarm_z
    assert state.path[first].cusum > SETTINGS.alarm_cusum
    assert first >= 2


def test_a_rise_within_the_allowance_is_never_an_alarm_however_long_it_lasts() -> None:
    assert not any(one.alarm for one in after([0.02] * 60).path)


def test_a_better_loss_is_no_harm() -> None:
    state = after([-0.3] * 10)
    assert {one.phase for one in state.path} == {"stable"}
    assert (state.cusum, state.watch_cusum, state.cusum_units) == (0.0, 0.0, 0)


def test_the_watch_is_called_before_the_alarm() -> None:
    phases = [one.phase for one in after([0.12] * 8).path]
    assert phases.index("watch") < phases.index("adapting")


@given(rises=RISES)
def test_sums_are_never_negative_and_the_watch_sum_is_the_larger(rises: list[float]) -> None:
    for one in after(rises).path:
        assert 0 <= one.cusum <= one.watch_cusum
        assert one.z <= one.watch_z
        assert one.alarm == (one.z > SETTINGS.alarm_z or one.cusum > SETTINGS.alarm_cusum)


@given(rises=RISES)
def test_the_change_is_dated_to_the_first_block_since_the_sum_was_zero(rises: list[float]) -> None:
    state = after(rises)
    sums = [one.cusum for one in state.path]
    zeros = [place for place, one in enumerate(sums) if one == 0]
    rising = zeros[-1] + 1 if zeros else 0
    assert harm.changed_at(state) == state.path[min(rising, len(sums) - 1)].block


def test_quiet_blocks_of_a_new_model_make_its_promise_more_precise_and_no_more_of_them_than_set() -> None:
    state = after([0.0] * 10)
    assert state.reference is not None
    assert state.quiet == SETTINGS.reference_blocks
    assert state.reference.rows == 2000 + 500 * SETTINGS.reference_blocks


def test_a_block_that_is_not_quiet_is_no_part_of_the_promise() -> None:
    state = after([0.13])
    assert state.path[-1].watch_z >= harm.QUIET_Z
    assert (state.reference, state.quiet) == (start().reference, 0)


def test_an_accepted_level_is_what_counts_from_then_on() -> None:
    state = after([0.3, 0.3])
    accepted = harm.accept(replace(state, adapting=1), LossLevel(0.52, 0.2, 500.0))
    assert (accepted.adapting, accepted.cusum, accepted.watch_cusum, accepted.quiet) == (0, 0.0, 0.0, 0)
    assert not read(accepted, 0.3).path[-1].alarm


def test_the_sensitive_test_alarms_sooner() -> None:
    state = transitions.add_unit(start(), (2,), 400)
    now = LossLevel(0.4 * 1.14, 0.16, 500.0)
    assert not harm.observe(state, 2, now, SETTINGS).path[-1].alarm
    sensitive = harm.observe(state, 2, now, SETTINGS, sensitive=True).path[-1]
    assert sensitive.alarm
    assert (sensitive.limit, sensitive.cusum_limit) == (harm.SENSITIVE_Z, harm.SENSITIVE_CUSUM)


def test_the_path_is_kept_for_a_picture_and_does_not_grow_without_end() -> None:
    state = after([0.0] * (PATH + 5))
    assert len(state.path) == PATH
    assert state.path[-1].block == state.units[-1][0]


def test_without_a_promise_there_is_no_harm() -> None:
    with pytest.raises(ValueError, match="promise"):
        harm.observe(State(), 1, LossLevel(0.4, 0.1, 500.0), SETTINGS)


# -- on rows as they are ------------------------------------------------------------------------------------------


def losses_of(rows: int, seed: int, blur: float = 0.0) -> LossLevel:
    """The level of the loss of a model that knows each client's chance, whose signal is ``blur`` parts noise now."""
    known = signals(rows, seed)
    noise = signals(rows, seed + 5_000_000)
    now = np.sqrt(1 - blur**2) * known + blur * noise
    labels = labels_of(BASE + SLOPE * now, seed + 9_000_000)
    return level(losses(labels, BASE + SLOPE * known), np.arange(rows), seed=1)


def stream(seed: int, blurs: list[float]) -> State:
    state = start(losses_of(1500, 77_000 + seed))
    for number, blur in enumerate(blurs, start=2):
        now = losses_of(500, 100 * seed + number, blur)
        state = transitions.add_unit(state, (number,), 400)
        state = harm.settle(harm.observe(state, number, now, SETTINGS), now, SETTINGS)
    return state


def test_steady_rows_raise_hardly_an_alarm() -> None:
    readings = [one for seed in range(100) for one in stream(seed, [0.0] * 20).path]
    assert len(readings) == 2000
    assert sum(one.alarm for one in readings) <= 6


def test_a_model_whose_signal_fails_is_found_within_two_blocks() -> None:
    states = [stream(seed, [0.0, 0.0, 0.0, 0.0, 0.9, 0.9]) for seed in range(40)]
    assert sum(state.path[-2].alarm for state in states) >= 34
    assert all(any(one.alarm for one in state.path[-2:]) for state in states)
