"""The names of estimators: those that this program knows, and import paths of scikit-learn classifiers."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KNOWN = ("logistic", "explainable_boosting")
"""From the simplest to the richest: of estimators that predict equally well the first is taken."""
PATTERN = r"^(logistic|explainable_boosting|[^\W\d]\w*([.][^\W\d]\w*)+([(].*[)])?)$"
ALLOWED = (
    "logistic, explainable_boosting, or a scikit-learn classifier by its import path, such as "
    "sklearn.ensemble.RandomForestClassifier or sklearn.ensemble.RandomForestClassifier(max_depth=8)"
)


class NoEstimator(ValueError):
    """A name that is no estimator's; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class OwnName:
    """A class by its import path, and what its constructor is given."""

    module: str
    classname: str
    parameters: Mapping[str, Any]


def is_own(name: str) -> bool:
    """Is it an import path?"""
    return "." in name


def parse(name: str) -> OwnName:
    """Read an import path with its parameters, which are literals by name. Nothing is imported. Raises NoEstimator."""
    try:
        tree = ast.parse(name, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NoEstimator(f"{name!r} is neither an import path nor one with (name=value, ...) behind it") from error
    parameters: dict[str, Any] = {}
    if isinstance(tree, ast.Call):
        if tree.args or any(keyword.arg is None for keyword in tree.keywords):
            raise NoEstimator(f"{name!r}: parameters are given by name, as in (max_depth=8)")
        for keyword in tree.keywords:
            try:
                parameters[str(keyword.arg)] = ast.literal_eval(keyword.value)
            except (ValueError, TypeError, RecursionError, MemoryError) as error:
                wrong = f"{name!r}: {keyword.arg} is no number, text, true or false, None, or a list of them"
                raise NoEstimator(wrong) from error
        tree = tree.func
    path: list[str] = []
    while isinstance(tree, ast.Attribute):
        path.insert(0, tree.attr)
        tree = tree.value
    if not path or not isinstance(tree, ast.Name):
        raise NoEstimator(unknown(name))
    return OwnName(".".join((tree.id, *path[:-1])), path[-1], parameters)


def unknown(name: str) -> str:
    """Say that there is no such estimator, and which is the nearest."""
    nearest = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.0)[0]
    return f"no estimator is named {name!r}; the nearest is {nearest!r} of {', '.join(KNOWN)}"


def short(name: str) -> str:
    """An import path without its packages: what people call the class."""
    path, bracket, parameters = name.partition("(")
    return path.rpartition(".")[2] + bracket + parameters
