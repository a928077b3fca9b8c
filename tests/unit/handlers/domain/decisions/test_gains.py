"""Paired comparison: gains, their bounds, and how many rows would decide."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from handlers.domain.decisions.gains import Compared, Contender, Demand, compare, compare_on
from handlers.domain.decisions.loss_level import losses
from handlers.domain.decisions.recipes import over
from handlers.domain.decisions.units import Sample, together
from tests.unit.handlers.domain.decisions.samples import block

CONTENDER = Contender(("s1",), over(("logistic",), 1), 4)
LEAST = 0.0025
REACH = 3.0
DEMAND = Demand(1.28, 0.02, LEAST, 1, units=64)
NOBODY = np.empty(0)


def made(gain: float, error: float, *, rows: int = 1000, z: float = 1.28) -> Compared:
    ids = np.arange(rows)
    return Compared(
        recipe=CONTENDER.recipe,
        last=4,
        gain=gain,
        error=error,
        low=gain - z * error,
        high=gain + z * error,
        least=LEAST,
        reach=REACH,
        loss=0.3,
        champion_loss=0.4,
        sample=Sample(np.zeros(rows, dtype=np.int8), ids, ids, 2, (2, 3)),
        said=NOBODY,
        champion=NOBODY,
    )


def compared(sign: float, *, rows: int = 400, units: int = 3, noise: float = 0.02) -> Compared:
    """A challenger with this sign of the signal beside a champion that knows half of it."""
    chosen = [block(number, rows, signs={"m1": 0.5, "s1": sign}) for number in range(2, 2 + units)]
    found = compare_on(chosen, CONTENDER, "m1", 0, Demand(1.28, noise, LEAST, 1, units=64))
    assert found is not None
    return found


def test_a_challenger_that_knows_more_is_better() -> None:
    assert compared(1.0).verdict == "better"
    assert compared(1.0).gain > 0.02


def test_a_challenger_that_is_wrong_is_not_better() -> None:
    assert compared(-1.0).verdict == "not better"


def test_a_challenger_that_is_the_champion_is_never_better() -> None:
    found = compared(0.5)
    assert (found.gain, found.loss) == (0.0, found.champion_loss)
    assert found.verdict != "better"


def test_the_bounds_are_the_paired_standard_error_and_the_noise_of_blocks() -> None:
    units = [block(number, 300, signs={"m1": 0.5, "s1": 1.0}) for number in (2, 3)]
    found = compare_on(units, CONTENDER, "m1", 0, Demand(1.64, 0.03, LEAST, 1))
    assert found is not None
    sample = together(units)
    own, other = (losses(sample.labels, np.concatenate([u.said[name] for u in units])) for name in ("m1", "s1"))
    error = math.hypot(stats.sem(own - other) / own.mean(), 0.03 / math.sqrt(2))
    assert found.error == pytest.approx(error)
    assert found.gain == pytest.approx((own - other).mean() / own.mean())
    assert (found.low, found.high) == pytest.approx((found.gain - 1.64 * error, found.gain + 1.64 * error))


def test_blocks_that_one_of_both_has_not_scored_or_that_came_before_do_not_count() -> None:
    units = [
        block(2, 50, signs={"m1": 1.0, "s1": 1.0}),
        block(3, 60, signs={"m1": 1.0}),
        block(4, 70, signs={"m1": 1.0, "s1": 1.0}),
    ]
    since = compare_on(units, CONTENDER, "m1", 3, DEMAND)
    assert since is not None
    assert (since.sample.size, since.sample.blocks) == (70, (4,))
    assert compare_on(units, CONTENDER, "m1", 5, DEMAND) is None


@pytest.mark.parametrize(
    ("gain", "error", "verdict"),
    [
        (0.05, 0.01, "better"),
        (0.012, 0.016, "not enough evidence"),
        (-0.01, 0.02, "not enough evidence"),
        (-0.05, 0.01, "not better"),
        (0.002, 0.0001, "not better"),
    ],
)
def test_there_are_three_verdicts(gain: float, error: float, verdict: str) -> None:
    assert made(gain, error).verdict == verdict


@given(gain=st.floats(0.003, 0.1), error=st.floats(0.001, 0.1), z=st.floats(0.5, 3), rows=st.integers(50, 5000))
def test_with_the_rows_that_would_decide_the_same_gain_decides(gain: float, error: float, z: float, rows: int) -> None:
    before = made(gain, error, rows=rows, z=z)
    more = before.more_rows
    if before.verdict == "better":
        assert more is None
    elif more is None:
        assert (z * error / (gain - LEAST)) ** 2 - 1 > REACH
    else:
        smaller = error * math.sqrt(rows / (rows + more))
        assert made(gain, smaller * 0.9999, rows=rows + more, z=z).verdict == "better"
        too_few = error * math.sqrt(rows / max(rows + more - 2, 1))
        assert made(gain, too_few * 1.0001, rows=rows, z=z).verdict != "better"


@pytest.mark.parametrize("gain", [-0.02, 0.0, LEAST])
def test_no_number_of_rows_shows_a_gain_that_does_not_count(gain: float) -> None:
    assert made(gain, 0.01).more_rows is None


def test_no_more_rows_are_awaited_than_the_newest_units_will_ever_hold() -> None:
    units = [block(number, 60, signs={"m1": 0.5, "s1": 0.62}) for number in (2, 3)]
    by = {most: compare_on(units, CONTENDER, "m1", 0, Demand(1.28, 0.02, LEAST, 1, units=most)) for most in (2, 8, 64)}
    assert [one.reach for one in by.values() if one is not None] == [0.0, 3.0, 31.0]
    full, far = by[2], by[64]
    assert full is not None
    assert far is not None
    assert full.verdict == "not enough evidence"
    assert full.more_rows is None
    assert far.more_rows is not None


def test_real_rows_bear_out_how_many_would_decide() -> None:
    short = compared(0.62, rows=60, units=2)
    assert short.verdict == "not enough evidence"
    more = short.more_rows
    assert more is not None
    copies = 1 + math.ceil(more / short.sample.size)
    ids = np.arange(copies * short.sample.size)
    sample = Sample(np.tile(short.sample.labels, copies), ids, ids, 2 * copies, ())
    said, champion = (np.tile(one, copies) for one in (short.said, short.champion))
    assert compare(CONTENDER, champion, said, sample, DEMAND).verdict == "better"


@given(sign=st.floats(-1, 1.5), scale=st.floats(0.01, 1))
def test_bounds_hold_the_gain_and_narrow_with_less_noise(sign: float, scale: float) -> None:
    found, calmer = compared(sign, rows=80, noise=scale), compared(sign, rows=80, noise=scale / 2)
    assert found.low <= found.gain <= found.high
    assert calmer.low >= found.low
    assert calmer.gain == found.gain


def test_no_loss_is_told_to_fall_by_more_than_all_of_it() -> None:
    assert made(0.9, 0.2).interval == (pytest.approx(0.9 - 1.28 * 0.2), 1.0)
    assert made(0.1, 0.02).interval == pytest.approx((0.1 - 1.28 * 0.02, 0.1 + 1.28 * 0.02))


def test_rows_of_few_clients_are_judged_by_the_clients() -> None:
    unit = block(2, 400, signs={"m1": 0.5, "s1": 1.0})
    ids = np.arange(400)
    alone = Sample(unit.labels, ids, ids, 1, (2,))
    copied = Sample(np.repeat(unit.labels, 4), np.repeat(ids, 4), np.arange(1600), 1, (2,))
    quiet = Demand(1.28, 0.0, LEAST, 1)
    one = compare(CONTENDER, unit.said["m1"], unit.said["s1"], alone, quiet)
    many = compare(CONTENDER, np.repeat(unit.said["m1"], 4), np.repeat(unit.said["s1"], 4), copied, quiet)
    assert many.gain == pytest.approx(one.gain)
    assert many.error == pytest.approx(one.error, rel=0.2)
