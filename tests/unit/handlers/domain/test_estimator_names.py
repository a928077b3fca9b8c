"""What may stand in ``training.estimators``."""

from __future__ import annotations

import re
import sys

import pytest

from handlers.domain.estimator_names import KNOWN, PATTERN, NoEstimator, OwnName, is_own, parse, short


def test_an_import_path_names_a_class_and_what_its_constructor_is_given() -> None:
    name = "sklearn.ensemble.RandomForestClassifier(max_depth=8, criterion='gini', bootstrap=False, class_weight=None)"
    parameters = {"max_depth": 8, "criterion": "gini", "bootstrap": False, "class_weight": None}
    assert parse(name) == OwnName("sklearn.ensemble", "RandomForestClassifier", parameters)
    assert parse("mine.Best") == OwnName("mine", "Best", {})
    assert parse("mine.Best(layers=(8, -2.5))").parameters == {"layers": (8, -2.5)}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("mine.Best(", "neither an import path"),
        ("mine.Best(3)", "given by name"),
        ("mine.Best(**{'a': 1})", "given by name"),
        ("mine.Best(depth=open('x'))", "depth is no number"),
        ("mine.Best(depth=mine.deep)", "depth is no number"),
        ("mine.Best().fit", "no estimator is named"),
        ("mine['Best'].Best", "no estimator is named"),
        ("logistik", "the nearest is 'logistic'"),
        ("mine.Best(a=1)(b=2)", "no estimator is named"),
        ("mine.Best\0", "neither an import path"),
        ("a." + "(" * 5_000, "neither an import path"),
    ],
)
def test_what_is_none_is_refused_and_nothing_is_run_or_imported(name: str, why: str) -> None:
    before = set(sys.modules)
    with pytest.raises(NoEstimator, match=re.escape(why)):
        parse(name)
    assert set(sys.modules) == before


@pytest.mark.parametrize("name", [*KNOWN, "mine.Best", "a.b.C", "a.B(c=1)", "m\u00fcller.B\u00e4st"])
def test_the_pattern_of_the_settings_lets_them_through(name: str) -> None:
    assert re.match(PATTERN, name)
    assert is_own(name) == (name not in KNOWN)


@pytest.mark.parametrize("name", ["forest", "", ".a", "a.", "a..b", "a.B(", "a.B)c(", "logistic(C=1)", "a.1"])
def test_the_pattern_stops_what_is_no_name(name: str) -> None:
    assert not re.match(PATTERN, name)


def test_people_are_told_the_class_alone() -> None:
    assert short("sklearn.ensemble.RandomForestClassifier(max_depth=0.5)") == "RandomForestClassifier(max_depth=0.5)"
    assert short("blend") == "blend"
