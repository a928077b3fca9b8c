"""Recipes of one part and of several."""

from __future__ import annotations

import numpy as np
import pytest

from handlers.domain.decisions.recipes import Part, Recipe, blended, over


def test_a_recipe_begins_where_its_narrowest_window_does() -> None:
    assert Recipe((Part("logistic", 3), Part("explainable_boosting", 7))).first == 7


def test_one_part_has_the_name_of_its_estimator_and_several_are_a_blend() -> None:
    assert over(("logistic",), 2).estimator == "logistic"
    assert over(("logistic", "explainable_boosting"), 2) == Recipe(
        (Part("logistic", 2), Part("explainable_boosting", 2))
    )
    assert over(("logistic", "explainable_boosting"), 2).estimator == "blend"


def test_parts_are_averaged_in_log_odds() -> None:
    assert blended([np.array([0.0, 2.0]), np.array([1.0, -2.0])]) == pytest.approx([0.5, 0.0])
