"""A sketch is stored and read back unchanged, and what is wrong with one is said by column."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from handlers.domain.reference_sketch import sketch
from handlers.domain.sketch_document import from_document, to_document
from tests.unit.handlers.domain.drawn_columns import columns, table, ten_columns


@given(table)
def test_a_sketch_goes_through_json_unchanged(drawn: list[Any]) -> None:
    reference = sketch(columns(drawn))
    assert from_document(json.loads(json.dumps(to_document(reference), allow_nan=False))) == reference


def test_ten_columns_take_less_than_50_kilobytes() -> None:
    reference = sketch(ten_columns(np.random.default_rng(0), 20_000))
    assert len(json.dumps(to_document(reference))) < 50_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cuts": None}, "x must have either cuts or categories"),
        ({"categories": ["a"]}, "x must have either cuts or categories"),
        ({"counts": [3]}, "x must have counts for its 4 bins that add up to 3"),
        ({"counts": [0, 1, 0, 0]}, "x must have counts for its 4 bins that add up to 3"),
        ({"counts": [-1, 4, 0, 0]}, r"x: Expected `int` >= 0"),
        ({"cuts": [1.0, 1.0]}, "x: the cuts"),
        ({"counts": "all"}, r"x: Expected `array`, got `str`"),
        ({"spread": None}, "x must have a spread"),
        ({"column": 1}, "1: Expected `str`"),
    ],
)
def test_a_malformed_sketch_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    document = to_document(sketch({"x": np.zeros(3)}))
    document["columns"][0] |= change
    with pytest.raises(ValueError, match=message):
        from_document(document)


@pytest.mark.parametrize("change", [{"mean": float("nan")}, {"low": 2.0}, {"positions": []}])
def test_a_malformed_spread_is_refused_by_name(change: dict[str, Any]) -> None:
    document = to_document(sketch({"x": np.zeros(3)}))
    document["columns"][0]["spread"] |= change
    with pytest.raises(ValueError, match="x must have a finite spread"):
        from_document(document)


def test_a_sketch_without_rows_or_with_something_else_for_a_column_is_refused() -> None:
    document = to_document(sketch({"x": np.zeros(3)}))
    with pytest.raises(ValueError, match=r"sketch: .*>= 1.*rows"):
        from_document(document | {"rows": 0})
    with pytest.raises(ValueError, match="sketch: a column"):
        from_document(document | {"columns": [3]})
