"""When to learn again, by each policy."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.retraining import (
    ChampionFacts,
    DriftSettings,
    Observed,
    Situation,
    TrainingSettings,
    decide,
    loss_z,
)

TRAINING = TrainingSettings()
REFERENCE = {"mean": 0.4, "variance": 0.25, "rows": 1000.0}
CHAMPION = ChampionFacts(version=3, provisional=False, trained_rows=1000, last_f1=0.6, reference=REFERENCE)
CALM = Observed(rows=400, positives=100, mean_loss=0.4, variance=0.25, f1=0.6)
SITUATION = Situation(rows=1100, positives=200, champion=CHAMPION, observed=CALM)
POLICIES = ("evidence", "raw_f1", "always", "never")


def trigger(situation: Situation, policy: str = "evidence") -> str:
    return decide(situation, DriftSettings(policy=policy), TRAINING).trigger  # type: ignore[arg-type]  # one of the four


def with_observed(**changes: float) -> Situation:
    return dataclasses.replace(SITUATION, observed=dataclasses.replace(CALM, **changes))


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("rows", "positives", "expected"),
    [
        (26, 5, "provisional"),
        (200, 19, "provisional"),
        (199, 50, "provisional"),
        (200, 20, "first"),
        (200, 180, "first"),
    ],
)
def test_until_there_is_enough_each_block_makes_a_provisional_model_under_every_policy(
    policy: str, rows: int, positives: int, expected: str
) -> None:
    for champion in (None, dataclasses.replace(CHAMPION, provisional=True)):
        retraining = decide(
            Situation(rows, positives, champion, CALM),
            DriftSettings(policy=policy),  # type: ignore[arg-type]  # one of the four
            TRAINING,
        )
        assert (retraining.trigger, retraining.train, retraining.compare) == (expected, True, False)
        assert retraining.provisional is (expected == "provisional")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("champion", [None, CHAMPION])
def test_one_class_alone_is_nothing_to_learn_from(policy: str, champion: ChampionFacts | None) -> None:
    for positives in (0, 500):
        situation = Situation(500, positives, champion, CALM)
        assert trigger(situation, policy) == "none"
    assert trigger(dataclasses.replace(SITUATION, learnable=False), policy) == "none"


@pytest.mark.parametrize("policy", POLICIES)
def test_a_challenge_is_held_under_every_policy(policy: str) -> None:
    situation = dataclasses.replace(SITUATION, challenge=True, observed=None)
    retraining = decide(situation, DriftSettings(policy=policy), TRAINING)  # type: ignore[arg-type]  # one of the four
    assert (retraining.trigger, retraining.compare) == ("challenge", True)


@pytest.mark.parametrize("policy", POLICIES)
def test_without_new_rows_nothing_is_learned(policy: str) -> None:
    assert trigger(dataclasses.replace(SITUATION, observed=None), policy) == "none"


def test_never_is_never_and_always_is_always() -> None:
    harmed = with_observed(mean_loss=5.0, f1=0.0)
    assert trigger(harmed, "never") == "none"
    assert trigger(SITUATION, "always") == "policy"
    assert not decide(SITUATION, DriftSettings(policy="always"), TRAINING).compare


def test_raw_f1_retrains_on_any_fall_and_on_nothing_else() -> None:
    assert trigger(with_observed(f1=math.nextafter(0.6, 0.0), mean_loss=0.0), "raw_f1") == "f1"
    assert trigger(with_observed(f1=0.6, mean_loss=9.0), "raw_f1") == "none"


def test_evidence_needs_a_loss_significantly_above_the_promise() -> None:
    error = math.sqrt(0.25 / 400 + 0.25 / 1000)
    assert trigger(with_observed(mean_loss=0.4 + 2.99 * error)) == "none"
    assert trigger(with_observed(mean_loss=0.4 + 3.01 * error)) == "harm"
    assert trigger(with_observed(mean_loss=0.0, f1=0.0)) == "none"


def test_evidence_retrains_when_the_rows_have_doubled() -> None:
    assert trigger(dataclasses.replace(SITUATION, rows=1999)) == "none"
    assert trigger(dataclasses.replace(SITUATION, rows=2000)) == "growth"


def test_the_record_has_the_numbers_behind_it() -> None:
    retraining = decide(SITUATION, DriftSettings(), TRAINING)
    assert retraining.statistics["z"] == 0.0
    assert retraining.statistics["growth"] == pytest.approx(1.1)
    fact = retraining.fact(7, 100)
    assert (fact.event, fact.fields["decision"], fact.fields["train"]) == ("retrain.decided", 7, False)


@given(st.floats(0, 5), st.floats(0, 5), st.integers(1, 10**6), st.floats(0, 10))
def test_the_z_value_is_finite_and_has_the_sign_of_the_change(
    loss: float, promised: float, rows: int, variance: float
) -> None:
    reference = {"mean": promised, "variance": 0.25, "rows": 100.0}
    z = loss_z(Observed(rows, 0, loss, variance, 0.5), reference)
    assert math.isfinite(z)
    assert z * (loss - promised) >= 0


def test_without_any_variance_there_is_no_evidence() -> None:
    assert loss_z(Observed(1, 0, 3.0, 0.0, 0.5), {"mean": 0.1, "variance": 0.0, "rows": 0.0}) == 0.0


@pytest.mark.parametrize(("rows", "positives", "judged"), [(1, 0, 0), (199, 50, 0), (400, 19, 0), (200, 20, 1)])
def test_too_few_rows_raise_no_alarm_and_are_kept_for_company(rows: int, positives: int, judged: int) -> None:
    situation = with_observed(rows=rows, positives=positives, mean_loss=6.0, variance=0.0)
    retraining = decide(situation, DriftSettings(), TRAINING)
    assert (retraining.trigger, retraining.pooled) == (("harm", False) if judged else ("none", True))
    if not judged:
        assert f"{rows} new rows" in retraining.sentence


@given(
    st.lists(st.floats(0.001, 6.9), min_size=1, max_size=30), st.lists(st.floats(0.001, 6.9), min_size=1, max_size=30)
)
def test_blocks_that_are_judged_together_are_judged_as_one(first: list[float], second: list[float]) -> None:
    def observed(losses: list[float]) -> Observed:
        mean = math.fsum(losses) / len(losses)
        squares = math.fsum((loss - mean) ** 2 for loss in losses)
        return Observed(len(losses), 1, mean, squares / (len(losses) - 1) if len(losses) > 1 else 0.0, 0.5)

    both, whole = observed(second).after(observed(first)), observed(first + second)
    assert (both.rows, both.positives) == (whole.rows, 2)
    assert both.mean_loss == pytest.approx(whole.mean_loss)
    assert both.variance == pytest.approx(whole.variance, abs=1e-9)
