"""Rows that are judged together, with what each scorer said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.decisions.units import Unit, common, pooled, said_of, together
from tests.unit.handlers.domain.decisions.samples import block

UNITS = [
    block(3, 20, signs={"m1": 1.0, "s1": 1.0}),
    block(4, 30, signs={"m1": 1.0}),
    block(5, 40, signs={"m1": 1.0, "s1": -1.0}),
]


@given(seed=st.integers(0, 500), rows=st.integers(2, 60), clients=st.integers(1, 60))
def test_a_client_is_learned_from_or_judged_by_and_never_both(seed: int, rows: int, clients: int) -> None:
    generator = np.random.default_rng(seed)
    of_client = generator.integers(0, clients, rows)
    labels = generator.integers(0, 2, rows).astype(np.int8)
    held = Unit((1,), np.arange(rows), labels, of_client, {}).held_half
    assert not set(of_client[held].tolist()) & set(of_client[~held].tolist())
    count = len(set(of_client.tolist()))
    assert len(set(of_client[held].tolist())) == count // 2


def test_both_halves_of_a_file_that_is_sorted_by_the_outcome_have_both_classes() -> None:
    labels = np.repeat([1, 0], [20, 80]).astype(np.int8)
    held = Unit((1,), np.arange(100), labels, np.arange(100), {}).held_half
    assert labels[held].sum() == labels[~held].sum() == 10


def test_a_scorer_that_is_not_there_has_said_nothing_and_two_say_their_mean() -> None:
    unit = block(1, 10, signs={"a": 1.0, "b": 0.0})
    assert unit.log_odds(("a", "c")) is None
    both = unit.log_odds(("a", "b"))
    assert both == pytest.approx((unit.said["a"] + unit.said["b"]) / 2)


def test_units_are_common_where_all_have_scored_them_since_a_block() -> None:
    assert [one.blocks for one in common(UNITS, 0, ("s1",), ("m1",))] == [(3,), (5,)]
    assert [one.blocks for one in common(UNITS, 4, ("s1",), ("m1",))] == [(5,)]
    assert common(UNITS, 6, ("m1",)) == []


def test_what_was_said_of_units_is_in_the_order_of_their_rows() -> None:
    sample = together(UNITS)
    assert (sample.size, sample.units, sample.blocks) == (90, 3, (3, 4, 5))
    assert sample.rows.tolist() == [row for unit in UNITS for row in unit.rows.tolist()]
    assert said_of(UNITS, ("m1",)).tolist() == [said for unit in UNITS for said in unit.said["m1"].tolist()]


def test_what_one_has_not_said_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="s1"):
        said_of(UNITS, ("s1",))
    with pytest.raises(ValueError, match="m1"):
        said_of([], ("m1",))


def test_no_units_are_no_rows() -> None:
    assert (together([]).size, together([]).units) == (0, 0)


def test_pooled_blocks_are_one_unit_of_what_all_of_them_have() -> None:
    unit = pooled(UNITS)
    assert unit.blocks == (3, 4, 5)
    assert unit.first == 3
    assert set(unit.said) == {"m1"}
    assert len(unit.labels) == len(unit.clients) == len(unit.said["m1"]) == 90
    assert pooled(UNITS[:1]) is UNITS[0]
