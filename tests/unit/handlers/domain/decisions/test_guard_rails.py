"""What a better loss must not be paid with."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from handlers.domain.decisions.guard_rails import breaches
from handlers.domain.decisions.units import Sample
from handlers.domain.learning_settings import PromotionSettings
from tests.unit.handlers.domain.decisions.samples import BASE, SLOPE, labels_of, signals

ROWS = 1500
KNOWN = signals(ROWS, 3)
GOOD = BASE + SLOPE * KNOWN
LABELS = labels_of(GOOD, 4)
IDS = np.arange(ROWS)
SAMPLE = Sample(LABELS, IDS, IDS, 3, (2, 3, 4))
LIMITS = PromotionSettings()


def found(
    challenger: NDArray[np.float64],
    segments: dict[str, NDArray[np.bool_]] | None = None,
    limits: PromotionSettings = LIMITS,
) -> list[str]:
    return [one.score for one in breaches(SAMPLE, GOOD, challenger, segments or {}, (limits, 1))]


def test_the_champion_itself_breaks_nothing() -> None:
    assert found(GOOD, {"all": np.ones(ROWS, dtype=bool)}) == []


def test_a_worse_order_is_named_with_both_scores() -> None:
    blurred = BASE + SLOPE * (0.5 * KNOWN + 0.9 * signals(ROWS, 9))
    scores = {one.score: one for one in breaches(SAMPLE, GOOD, blurred, {}, (LIMITS, 1))}
    assert {"F1", "ROC AUC"} <= set(scores)
    assert scores["ROC AUC"].then < scores["ROC AUC"].now - LIMITS.max_auc_drop
    assert scores["ROC AUC"].sentence.startswith("its ROC AUC would be 0.")


def test_probabilities_that_are_too_high_are_a_calibration_error_though_the_order_is_the_same() -> None:
    assert found(GOOD + 1.0) == ["calibration error"]


def test_a_wider_limit_lets_it_through() -> None:
    assert found(GOOD + 1.0, limits=PromotionSettings(max_calibration_rise=0.5)) == []


def test_a_difference_within_chance_is_no_breach() -> None:
    strict = PromotionSettings(max_auc_drop=0.0, max_f1_drop=0.0, max_calibration_rise=0.0)
    assert found(GOOD + 0.05 * signals(ROWS, 11), limits=strict) == []


def test_a_gain_on_average_is_not_paid_by_one_segment() -> None:
    segment = IDS < 120
    challenger = np.where(segment, BASE - 0.5 * SLOPE * KNOWN, GOOD)
    lenient = PromotionSettings(max_auc_drop=1.0, max_f1_drop=1.0, max_calibration_rise=1.0)
    rest = {"region = north": segment, "region = south": ~segment}
    assert found(challenger, rest, lenient) == ["loss for region = north"]


def test_a_segment_of_few_rows_is_not_judged() -> None:
    segment = LIMITS.segment_rows - 1 > IDS
    challenger = np.where(segment, -GOOD, GOOD)
    lenient = PromotionSettings(max_auc_drop=1.0, max_f1_drop=1.0, max_calibration_rise=1.0)
    assert found(challenger, {"region = north": segment}, lenient) == []


def test_many_segments_are_not_each_a_new_chance_for_a_false_breach() -> None:
    lenient = PromotionSettings(max_auc_drop=1.0, max_f1_drop=1.0, max_calibration_rise=1.0, max_segment_rise=0.0)
    generator = np.random.default_rng(5)
    segments = {f"segment {place}": generator.random(ROWS) < 0.05 for place in range(60)}
    assert found(GOOD + 0.2 * signals(ROWS, 13) * np.sign(generator.normal(size=ROWS)), segments, lenient) == []


def test_where_one_class_is_missing_there_is_no_order_to_be_worse() -> None:
    one_class = Sample(np.zeros(ROWS, dtype=np.int8), IDS, IDS, 1, ())
    assert "ROC AUC" not in [one.score for one in breaches(one_class, GOOD, -GOOD, {}, (LIMITS, 1))]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_finds_the_same(seed: int) -> None:
    blurred = BASE + SLOPE * (0.7 * KNOWN + 0.7 * signals(ROWS, 9))
    assert breaches(SAMPLE, GOOD, blurred, {}, (LIMITS, seed)) == breaches(SAMPLE, GOOD, blurred, {}, (LIMITS, seed))
