from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from handlers import estimators
from handlers.domain.decisions.loss_level import probabilities_of
from handlers.domain.metrics import log_losses
from tests.benchmarks import hindsight
from tests.benchmarks.hindsight import Fits
from tests.benchmarks.streams import Stream, StreamFile

ROWS = 40


@dataclass(eq=False)
class Recorded:
    """An estimator that says the share of leavers that it learned, and remembers of how many rows it did."""

    name: str
    learned: list[tuple[str, int, object]] = field(default_factory=list)
    share: float = 0.5

    def fit(self, frame: object, labels: NDArray[np.int8], seed: int, pairs: object = None) -> Recorded:
        self.learned.append((self.name, len(labels), pairs))
        return Recorded(self.name, self.learned, float(labels.mean()))

    def decision_function(self, frame: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full(len(frame), np.log(self.share / (1 - self.share)))


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, object]]:
    found: list[tuple[str, int, object]] = []
    monkeypatch.setattr(estimators, "load", lambda name: Recorded(name, found))
    return found


def stream(*shares: float, rows: int = ROWS) -> Stream:
    """Files of which these shares left."""
    files = []
    for share in shares:
        labels = (np.arange(rows) < round(share * rows)).astype(np.int8)
        files.append(StreamFile({"x": np.zeros(rows)}, labels, np.arange(rows)))
    return Stream("shares", tuple(files), ())


def loss(said: float, share: float) -> float:
    return float(-share * np.log(said) - (1 - share) * np.log(1 - said))


def test_each_file_is_scored_by_what_had_been_learned_before_it(learned: list[object]) -> None:
    found = hindsight.alone(Fits(stream(0.5, 0.25, 0.75))) | hindsight.rules(Fits(stream(0.5, 0.25, 0.75)))
    for name in ("logistic", "explainable_boosting, last 5", "always", "always:5"):
        assert found[name].losses == pytest.approx([loss(0.5, 0.25), loss(0.375, 0.75)])
        assert found[name].deployments == 2
    assert found["never"].losses == pytest.approx([loss(0.5, 0.25), loss(0.5, 0.75)])
    assert found["never"].deployments == found["always"].alarms == 0


def test_the_last_five_files_are_all_that_a_short_window_learns_from(learned: list[object]) -> None:
    found = hindsight.alone(Fits(stream(0.9, *[0.5] * 6)))
    assert found["logistic, last 5"].losses[-1] == pytest.approx(loss(0.5, 0.5))
    assert found["logistic"].losses[-1] > found["logistic, last 5"].losses[-1]


def test_no_window_is_fitted_twice_and_pairs_are_searched_where_the_program_searches_them(
    learned: list[tuple[str, int, object]],
) -> None:
    fits = Fits(stream(*[0.5, 0.25] * 4, rows=500))
    hindsight.alone(fits)
    hindsight.rules(fits)
    wide = [500 * (number + 1) for number in range(7)]
    narrow = [2500] * 2  # of the windows of five files two are no windows of everything
    assert sorted(rows for name, rows, _ in learned if name == "logistic") == sorted(wide + narrow)
    assert {rows for _, rows, pairs in learned if pairs is None} == {2000, 2500, 3000, 3500}
    assert {rows for _, rows, pairs in learned if pairs == ()} == {500, 1000, 1500}


def test_a_blend_is_the_mean_of_log_odds() -> None:
    rng = np.random.default_rng(5)
    files = []
    for _ in range(2):
        x = rng.normal(size=200)
        labels = (rng.random(200) < probabilities_of(x)).astype(np.int8)
        files.append(StreamFile({"x": x}, labels, np.arange(200)))
    fits = Fits(Stream("two", tuple(files), ()))
    apart = [fits.log_odds((name,), (0, 0), 1) for name in estimators.NAMES]
    both = hindsight.rules(fits)["never"]
    assert both.loss == pytest.approx(log_losses(files[1].labels, probabilities_of((apart[0] + apart[1]) / 2)).mean())


def test_the_original_rule_refits_when_the_f1_is_below_the_last_one() -> None:
    falls = hindsight.falling_f1()
    labels = np.array([1, 1, 0, 0], dtype=np.int8)
    right, wrong = np.array([3.0, 3.0, -3.0, -3.0]), np.array([3.0, -3.0, 3.0, -3.0])
    assert [falls(labels, said) for said in (wrong, right, right, wrong, wrong)] == [False, False, False, True, False]


def test_adwin_hears_of_rows_on_the_wrong_side_of_one_half_in_all_of_a_file() -> None:
    rises = hindsight.errors_rise()
    labels = np.zeros(500, dtype=np.int8)
    right, wrong = np.full(500, -1.0), np.full(500, 1.0)
    assert [rises(labels, said) for said in (right, right, wrong, wrong, right)] == [False, False, True, False, False]
