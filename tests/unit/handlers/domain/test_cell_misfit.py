"""Over the cells of a column a champion is judged by chi-square, its level and its usual errors taken out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from handlers.domain.cell_misfit import Rows, corrected, levelled, term_misfit, unknown_error, usual_error
from handlers.domain.row_cells import RowCells


def drawn(log_odds: np.ndarray, seed: int) -> np.ndarray:
    labels: np.ndarray = np.random.default_rng(seed).random(len(log_odds)) < 1 / (1 + np.exp(-log_odds))
    return labels.astype(np.int8)


def rows_of(labels: np.ndarray, log_odds: np.ndarray) -> Rows:
    return Rows.of(labels, 1 / (1 + np.exp(-log_odds)))


def in_cells(index: np.ndarray) -> RowCells:
    return RowCells(("x",), index, tuple(f"x {place}" for place in range(int(index.max()) + 1)))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=50))
def test_after_levelling_as_many_are_expected_to_leave_as_did(made: list[tuple[float, bool]]) -> None:
    rows = Rows.of(np.array([int(left) for _, left in made]), np.array([probability for probability, _ in made]))
    if rows.both_labels:
        _, probabilities = levelled(rows)
        assert probabilities.sum() == pytest.approx(rows.left.sum(), rel=1e-6)


def test_the_shift_is_that_of_the_log_odds() -> None:
    log_odds = np.random.default_rng(0).normal(-1, 1, 200_000)
    shift, _ = levelled(rows_of(drawn(log_odds + 0.7, 1), log_odds))
    assert shift == pytest.approx(0.7, abs=0.02)


def test_the_statistic_is_that_of_the_formula() -> None:
    rng = np.random.default_rng(0)
    log_odds, index = rng.normal(-1, 1, 3000), rng.integers(5, size=3000)
    labels = drawn(log_odds, 2)
    rows = rows_of(labels, log_odds)
    found = term_misfit(unknown_error(in_cells(index)), rows)
    assert found is not None
    _, p = levelled(rows)
    parts = [
        (labels[index == cell].sum() - p[index == cell].sum()) ** 2 / (p * (1 - p))[index == cell].sum()
        for cell in range(5)
    ]
    assert found.chi_square == pytest.approx(sum(parts), rel=1e-6)
    assert found.degrees == 4
    assert found.p_value == pytest.approx(stats.chi2.sf(sum(parts), 4), rel=1e-5)
    assert found.worst.label == f"x {int(np.argmax(parts))}"
    worst = index == np.argmax(parts)
    assert (found.worst.rows, found.worst.observed) == (worst.sum(), labels[worst].sum())
    assert found.worst.promised == pytest.approx(rows.promised[worst].sum())
    assert found.worst.expected == pytest.approx(p[worst].sum())


@pytest.mark.parametrize("before", [None, 400, 20_000])
def test_p_values_are_uniform_where_only_the_level_and_the_usual_errors_are_there(before: int | None) -> None:
    rng = np.random.default_rng(5)
    usual = np.array([0.0, 0.8, -0.8, 0.3, 0.0, 0.0]) * (before is not None)
    p_values = []
    for seed in range(300):
        index = rng.integers(6, size=800)
        log_odds = rng.normal(-1, 1, 800)
        term = unknown_error(in_cells(index))
        if before is not None:
            known, said = rng.integers(6, size=before), rng.normal(-1, 1, before)
            outcome = rows_of(drawn(said + usual[known], 1000 + seed), said)
            term = usual_error(in_cells(index), in_cells(known), outcome)
        found = term_misfit(term, rows_of(drawn(log_odds + 0.5 + usual[index], seed), log_odds))
        assert found is not None
        p_values.append(found.p_value)
    # A prior makes few usual rows cautious, so p-values may be too large, never too small.
    assert stats.kstest(p_values, "uniform", alternative="greater").pvalue > 0.001
    assert before == 400 or stats.kstest(p_values, "uniform").pvalue > 0.001


def test_the_effect_is_the_error_of_the_log_odds() -> None:
    rng = np.random.default_rng(0)
    index, log_odds = rng.integers(2, size=100_000), np.zeros(100_000)
    found = term_misfit(unknown_error(in_cells(index)), rows_of(drawn(np.where(index == 1, 0.2, -0.2), 1), log_odds))
    assert found is not None
    assert found.effect == pytest.approx(0.2, abs=0.02)


def test_what_is_corrected_is_no_misfit_any_more() -> None:
    rng = np.random.default_rng(0)
    index, log_odds = rng.integers(4, size=5000), rng.normal(-1, 1, 5000)
    term = unknown_error(in_cells(index))
    rows = rows_of(drawn(log_odds + index, 1), log_odds)
    before, after = term_misfit(term, rows), term_misfit(term, corrected(rows, term))
    assert before is not None
    assert after is not None
    assert before.p_value < 1e-20
    assert after.p_value > 0.9


@pytest.mark.parametrize(("cells", "label"), [(6, "rare values of x"), (3, "x 2 or x 3 or x 4")])
def test_small_cells_are_judged_together_and_named_where_they_are_few(cells: int, label: str) -> None:
    log_odds = np.full(1000, -1.0)
    index = np.array([0] * 700 + [1] * (300 - 10 * cells) + [2 + place % cells for place in range(10 * cells)])
    found = term_misfit(unknown_error(in_cells(index)), rows_of(drawn(log_odds + 3.0 * (index >= 2), 1), log_odds))
    assert found is not None
    assert found.degrees == 2
    assert (found.worst.label, found.worst.rows) == (label, 10 * cells)


def test_one_large_cell_tells_nothing() -> None:
    index = np.array([0] * 990 + [1] * 10)
    assert term_misfit(unknown_error(in_cells(index)), rows_of(drawn(np.zeros(1000), 0), np.zeros(1000))) is None
