"""Standard errors of means over clients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from handlers.domain.decisions import bootstrap
from handlers.domain.decisions.bootstrap import standard_errors


@given(seed=st.integers(0, 1000), rows=st.integers(2, 200))
def test_with_one_row_for_each_client_it_is_the_usual_standard_error(seed: int, rows: int) -> None:
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(rows, 2))
    clients = generator.permutation(rows) - 50
    assert standard_errors(values, clients, seed=seed) == pytest.approx(stats.sem(values, axis=0))


@pytest.mark.parametrize("copies", [4, 9])
def test_rows_that_are_copies_of_one_another_tell_no_more_than_one_of_them(copies: int) -> None:
    values = np.random.default_rng(1).exponential(size=(400, 1))
    clients = np.arange(400)
    once = standard_errors(values, clients, seed=1)[0]
    copied, of_client = np.repeat(values, copies, axis=0), np.repeat(clients, copies)
    by_client = standard_errors(copied, of_client, seed=1)[0]
    naive = stats.sem(copied)[0]
    assert by_client == pytest.approx(once, rel=0.15)
    assert by_client / naive == pytest.approx(np.sqrt(copies), rel=0.15)


def test_clients_of_unequal_size_are_drawn_with_all_their_rows() -> None:
    generator = np.random.default_rng(2)
    sizes = generator.integers(1, 8, 500)
    clients = np.repeat(np.arange(500), sizes)
    values = generator.normal(size=500)[clients]
    # The linearised variance of a ratio of means (Cochran 1977, section 6.4).
    mean = values.mean()
    totals = np.bincount(clients, weights=values - mean)
    expected = np.sqrt((totals**2).sum()) / len(clients)
    assert standard_errors(values[:, None], clients, seed=3)[0] == pytest.approx(expected, rel=0.15)


@given(seed=st.integers(0, 50))
def test_the_same_seed_gives_the_same_error(seed: int) -> None:
    values = np.random.default_rng(0).normal(size=(60, 2))
    clients = np.arange(60) // 3
    assert (standard_errors(values, clients, seed=seed) == standard_errors(values, clients, seed=seed)).all()


def test_another_seed_gives_another_error() -> None:
    values = np.random.default_rng(0).normal(size=(60, 1))
    clients = np.arange(60) // 3
    assert standard_errors(values, clients, seed=1)[0] != standard_errors(values, clients, seed=2)[0]


def test_all_columns_are_judged_by_the_same_draws() -> None:
    values = np.random.default_rng(0).normal(size=(90, 1))
    both = standard_errors(np.hstack([values, 3 * values]), np.arange(90) // 2, seed=4)
    assert both[1] == pytest.approx(3 * both[0])


def test_draws_in_pieces_for_lack_of_memory_differ_from_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(5).normal(size=(600, 1))
    clients = np.arange(600) // 2
    whole = standard_errors(values, clients, seed=1)[0]
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 3000)
    assert standard_errors(values, clients, seed=1)[0] == pytest.approx(whole, rel=0.2)


def test_one_row_has_no_error_that_is_known() -> None:
    assert standard_errors(np.ones((1, 2)), np.zeros(1, dtype=np.int64), seed=1).tolist() == [np.inf, np.inf]


def test_of_a_single_client_the_error_is_not_taken_for_none() -> None:
    values = np.random.default_rng(0).normal(size=(50, 1))
    found = standard_errors(values, np.zeros(50, dtype=np.int64), seed=1)
    assert found == pytest.approx(stats.sem(values, axis=0))
