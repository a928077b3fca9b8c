from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.axes import COUNTED_CUTS, COUNTED_ROWS, Categories, Cuts
from handlers.domain.coded_texts import CodedTexts


def numbers(*values: float) -> dict[str, np.ndarray]:
    return {"age": np.array(values)}


def words(*values: str | None) -> dict[str, np.ndarray]:
    return {"plan": np.array(values, dtype=object)}


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), unique=True), st.floats(allow_nan=True))
def test_a_value_lies_in_the_bin_between_its_cuts_and_nan_in_the_last(cuts: list[float], value: float) -> None:
    cuts = sorted(set(cuts))
    axis = Cuts("age", tuple(cuts))
    expected = len(cuts) + 1 if np.isnan(value) else sum(value >= cut for cut in cuts)
    assert axis.index(numbers(value)).tolist() == [expected]
    assert len(axis.labels()) == axis.size


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), unique=True, max_size=8),
    st.lists(st.floats(allow_nan=True), min_size=1, max_size=20),
)
def test_many_values_lie_in_the_bins_in_which_each_lies_alone(cuts: list[float], values: list[float]) -> None:
    axis = Cuts("age", tuple(sorted(set(cuts))))
    values += cuts
    many = np.resize(values, COUNTED_ROWS + len(values))
    alone = [axis.index(numbers(value)).item() for value in values]
    assert axis.index({"age": many}).tolist() == np.resize(alone, len(many)).tolist()


@pytest.mark.parametrize("cuts", [1, COUNTED_CUTS, COUNTED_CUTS + 1])
def test_more_values_than_are_compared_at_once(cuts: int) -> None:
    axis = Cuts("age", tuple(map(float, range(cuts))))
    values = np.random.default_rng(1).integers(-2, cuts + 2, 40_000).astype(float)
    expected = np.clip(values + 1, 0, cuts).astype(int)
    values[::7], expected[::7] = np.nan, cuts + 1
    np.testing.assert_array_equal(axis.index({"age": values}), expected)


@pytest.mark.parametrize("cuts", [(2.0, 1.0), (1.0, 1.0), (float("nan"),), (float("inf"),)])
def test_cuts_that_do_not_rise_or_are_not_finite_are_refused_by_name(cuts: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="age: the cuts"):
        Cuts("age", cuts)


def test_categories_have_a_bin_each_then_missing_then_unknown() -> None:
    axis = Categories("plan", ("gold", "basic"))
    assert axis.index(words("basic", None, "gold", "new", "")).tolist() == [1, 2, 0, 3, 3]
    coded = CodedTexts((None, "gold", "new", "basic", "gold"), np.array([3, 0, 1, 4, 2]))
    assert axis.index({"plan": coded}).tolist() == [1, 2, 0, 0, 3]
    assert axis.labels() == ("gold", "basic", "missing", "any other")
    with pytest.raises(ValueError, match="plan: a category is named twice"):
        Categories("plan", ("gold", "gold"))
