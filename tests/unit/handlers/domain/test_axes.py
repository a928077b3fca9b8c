from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.axes import Categories, Cuts


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


@pytest.mark.parametrize("cuts", [(2.0, 1.0), (1.0, 1.0), (float("nan"),), (float("inf"),)])
def test_cuts_that_do_not_rise_or_are_not_finite_are_refused_by_name(cuts: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="age: the cuts"):
        Cuts("age", cuts)


def test_categories_have_a_bin_each_then_missing_then_unknown() -> None:
    axis = Categories("plan", ("gold", "basic"))
    assert axis.index(words("basic", None, "gold", "new", "")).tolist() == [1, 2, 0, 3, 3]
    assert axis.labels() == ("gold", "basic", "missing", "any other")
    with pytest.raises(ValueError, match="plan: a category is named twice"):
        Categories("plan", ("gold", "gold"))
