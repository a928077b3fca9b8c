from __future__ import annotations

import threading

import pytest

from tests.benchmarks.meanwhile import meanwhile
from tests.benchmarks.recomputed import Verdict
from tests.benchmarks.soak_scene import Deployed, Soaked, measures, seconds_of
from tests.benchmarks.steady_load import Reply, Schedule


def test_it_takes_ten_minutes_or_as_long_as_is_asked_for_but_not_too_short() -> None:
    assert seconds_of({}) == seconds_of({"ATTRITIOND_BENCH_SOAK_SECONDS": ""}) == 600.0
    assert seconds_of({"ATTRITIOND_BENCH_SOAK_SECONDS": "40"}) == 40.0
    with pytest.raises(ValueError, match="at least 15 s, not 2"):
        seconds_of({"ATTRITIOND_BENCH_SOAK_SECONDS": "2"})


def test_everything_that_was_seen_is_told() -> None:
    versions = [3, 3, 1, 1, 4] * 20
    replies = [Reply(n, n / 10, n / 10 + 0.001, 200, version, b"") for n, version in enumerate(versions)]
    replies[50] = Reply(50, 6.0, 7.0, 0, None, b"", "TimeoutError()")
    lines = [
        {"event": "model.promoted", "decision": 4},
        {"event": "model.promoted", "before": 1},
        {"event": "model.rolled_back", "before": 3},
        {"event": "model.trained"},
        {"event": "model.trained"},
    ]
    deployed = Deployed([0.01, 0.02], ["409"])
    soaked = Soaked(Schedule(10.0, 10.0), replies, deployed, lines, (70.0, 71.0))
    found = measures(soaked, Verdict({3: 39, 1: 40, 4: 20}, ["request 7"]))
    values = [(one.value, one.samples, one.worst, one.baseline) for one in found]
    assert found[0].name == "soak of 10 s, 10 requests/s: requests"
    assert values[:3] == [(100.0, 1, None, None), (1.0, 1, None, None), (1.0, 99, None, None)]
    assert values[3] == (pytest.approx(1.0), 100, pytest.approx(2000.0), None)
    assert values[4] == (pytest.approx(2000.0), 100, None, 25.0)
    assert values[5] == (pytest.approx(1000.0), 100, pytest.approx(1000.0), None)
    assert values[6] == (2.0, 1, None, None)
    assert "1 of them refused" in found[6].name
    assert [one.value for one in found[8:11]] == [1.0, 59.0, 2.0]
    assert (found[11].value, found[11].baseline) == (71.0, 70.0)


def test_what_is_done_meanwhile_is_done_until_the_end_and_its_failure_is_ours() -> None:
    done, twice = [], threading.Event()

    def act(number: int) -> None:
        done.append(number)
        if number == 1:
            twice.set()
        if number > 0:
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"), meanwhile(act, every=0.001):
        assert twice.wait(10.0)
    assert done == [0, 1]
