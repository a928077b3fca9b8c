from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks import decision_cost, decision_scenes
from tests.benchmarks.decision_scenes import EVIDENCE, SHOWN, Judged
from tests.benchmarks.hindsight import Course
from tests.benchmarks.streams import stream


def judged(name: str, loss: float, deployments: int) -> Judged:
    """Ten files, of which each other policy has a loss of 0.6 without any deployment."""
    courses = {policy: Course(np.full(9, 0.6), 0) for policy in SHOWN}
    courses[EVIDENCE] = Course(np.full(9, loss), deployments, alarms=3)
    return Judged(name, 500, ("logistic", 0.5), courses, fits=40, seconds=(1.0, 3.0))


def test_a_policy_is_held_against_the_best_in_hindsight() -> None:
    one = judged("sudden-11", 0.51, 2)
    assert one.above(EVIDENCE) == pytest.approx(2.0)
    assert one.deployments(EVIDENCE) == pytest.approx(20.0)
    assert one.row().startswith("| sudden-11 | 10 x 500 | 0.5000 (logistic) | +2.0%, 20, 3 | +20.0%, 0, 0 |")


def test_streams_are_summed_up_beside_the_targets() -> None:
    found = decision_scenes.summary([judged("a", 0.51, 2), judged("b", 0.505, 0)], "generated")
    loss, deployments = found[:2]
    assert loss.value == pytest.approx(1.5)
    assert loss.worst == pytest.approx(2.0)
    assert loss.baseline == 0.8
    assert (deployments.value, deployments.worst, deployments.baseline) == (10.0, 20.0, 11)
    cost, fits = found[-2:]
    assert (cost.value, cost.worst, cost.samples, fits.value) == (2.0, 3.0, 4, 400.0)


def test_alarms_are_counted_over_all_seeds_of_a_kind() -> None:
    read = {("no_drift", 11): (1, 50), ("no_drift", 12): (0, 50), ("covariate_shift", 11): (0, 60)}
    found = decision_scenes.false_alarms(read)
    assert [(one.value, one.samples) for one in found] == [(1.0, 100), (0.0, 60)]


def test_work_in_several_processes_keeps_its_order() -> None:
    assert list(decision_scenes.each(abs, [-3, 2, -1], 2)) == [3, 2, 1]


def test_the_costs_are_of_rows_as_the_model_learned_them() -> None:
    release, learned = decision_cost.released(stream("small", 7))
    rows = decision_cost.drawn(learned, 500, seed=1)
    diagnosis, broken = decision_cost.scored(release, rows)
    assert (diagnosis.rows, broken) == (500, ())
    assert len(decision_cost.spent(lambda: None, 3)) == 3
