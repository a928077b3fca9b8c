from __future__ import annotations

import numpy as np
import pytest

from handlers.domain.decisions.loss_level import LossLevel
from tests.benchmarks.harm_readings import ROWS, WORLDS, World, _begin, delays, read


@pytest.mark.parametrize("auc", WORLDS)
@pytest.mark.parametrize("rise", [0.2, 0.3])
def test_a_world_rises_by_as_much_as_is_asked(auc: float, rise: float) -> None:
    world = World.rising(auc, rise)
    before, after = (world.level(np.random.default_rng(5), 100_000, risen=risen).mean for risen in (False, True))
    assert after / before - 1 == pytest.approx(rise, abs=0.02)


def test_a_larger_rise_is_alarmed_sooner_and_none_hardly_ever() -> None:
    seeds = range(40)
    mean = {rise: np.mean(list(delays(World.rising(0.8, rise), seeds, 8))) for rise in (0.2, 0.5)}
    assert mean[0.5] < mean[0.2] < 5
    intercept, slope = WORLDS[0.8]
    assert np.mean([delay <= 8 for delay in delays(World(intercept, slope, 0.0), seeds, 8)]) <= 0.05


def test_a_level_that_nothing_answers_is_accepted_after_a_while() -> None:
    state = _begin(LossLevel(0.4, 0.2, 1500.0))
    alarms = []
    for _ in range(6):
        state = read(state, LossLevel(0.7, 0.2, float(ROWS)))
        alarms.append(state.path[-1].alarm)
    assert alarms[0]
    assert not alarms[-1]
    assert state.reference is not None
    assert state.reference.mean == pytest.approx(0.7)
