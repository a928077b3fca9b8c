"""A column that gives the target away is found in whatever form it does; no other is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.leakage import leaks
from tests.unit.handlers.domain.drawn_columns import ten_columns

ROWS = 600


def made(rate: float = 0.1, rows: int = ROWS) -> tuple[np.random.Generator, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.zeros(rows, dtype=np.int8)
    labels[rng.permutation(rows)[: round(rate * rows)]] = 1
    return rng, labels


def forms(rng: np.random.Generator, labels: np.ndarray) -> dict[str, np.ndarray]:
    left, noise = labels == 1, rng.normal(size=len(labels))
    return {
        "higher": noise + 8 * left,
        "lower": noise - 8 * left,
        "the_same": labels.astype(np.float64),
        "in_the_middle": np.where(left, 0.1 * noise, np.sign(noise) * (2 + np.abs(noise))),
        "empty_if_stayed": np.where(left, noise, math.nan),
        "empty_if_left": np.where(left, math.nan, noise),
        "word": np.where(left, "closed", "open").astype(object),
        "words": np.where(left, rng.choice(["sold", "gone"], len(left)), "open").astype(object),
        "word_if_left": np.array(["reason" if one else None for one in left.tolist()], dtype=object),
    }


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.5, 0.9])
def test_a_leak_is_found_in_each_form(rate: float) -> None:
    rng, labels = made(rate)
    columns = forms(rng, labels)
    found = leaks(columns, labels)
    assert {one.column for one in found} == set(columns)
    assert all(one.roc_auc > 0.98 for one in found)


def test_the_sentence_says_whether_the_gaps_give_the_target_away() -> None:
    rng, labels = made()
    said = {one.column: one.sentence for one in leaks(forms(rng, labels), labels)}
    assert said["word_if_left"].startswith("Whether word_if_left is empty nearly gives the target away")
    assert said["empty_if_stayed"].startswith("Whether")
    assert said["higher"].startswith("higher by itself nearly gives the target away")


def test_columns_that_know_nothing_of_the_target_are_no_leak() -> None:
    rng, labels = made(0.3)
    columns = ten_columns(rng, ROWS)
    columns["key"] = np.array([f"k{index}" for index in range(ROWS)], dtype=object)
    columns["number"] = np.arange(float(ROWS))
    columns["pairs"] = np.array([f"k{index // 2}" for index in range(ROWS)], dtype=object)
    columns["empty"] = np.full(ROWS, math.nan)
    assert leaks(columns, labels) == ()


def test_a_good_column_is_no_leak() -> None:
    rng, labels = made(0.2, rows=5000)
    assert leaks({"good": rng.normal(size=5000) + 2.5 * labels}, labels) == ()  # a ROC AUC of 0.96


@given(st.integers(0, 49), st.integers(0, 9))
def test_few_rows_or_few_of_a_class_tell_nothing(rows: int, rare: int) -> None:
    assert leaks({"x": np.zeros(rows)}, np.zeros(rows, dtype=np.int8)) == ()
    for labels in (np.array([1] * rare + [0] * 90), np.array([0] * rare + [1] * 90)):
        assert leaks({"x": labels.astype(np.float64)}, labels) == ()


@given(st.lists(st.sampled_from([0.0, 1.0, math.nan, math.inf, -math.inf, 1e308]), min_size=50, max_size=60), st.data())
def test_any_numbers_are_taken_and_the_surest_leak_is_first(values: list[float], data: Any) -> None:
    labels = np.array([1, 0] * 30)[: len(values)]
    words = np.array([data.draw(st.sampled_from(["a", "b", None])) for _ in values], dtype=object)
    found = leaks({"x": np.array(values), "word": words, "target": labels * 1.0}, labels, seed=3)
    assert found[0].roc_auc == max(one.roc_auc for one in found) == 1.0
