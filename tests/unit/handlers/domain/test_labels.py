from __future__ import annotations

import pyarrow as pa
import pytest

from handlers.domain.files import Reason
from handlers.domain.labels import Target, canonical_label, read_target
from handlers.domain.schema import ColumnType


def target(
    *cells: str | None, positive: str | float | bool = 1, negative: str | None = None, type: ColumnType | None = None
) -> Target | Reason:
    return read_target(pa.array(cells, pa.string()), positive=positive, negative=negative, type=type)


@pytest.mark.parametrize(
    ("values", "canonical"),
    [
        ([1, "1", "1.0", " 1 ", "01", "+1", 1.0, "1e0"], "1"),
        ([0, "0", "-0", "0.0", "-0.0"], "0"),
        ([True, "true", "True", "TRUE"], "true"),
        ([False, "false", "FALSE "], "false"),
        ([0.5, "0.5", ".5", "5e-1"], "0.5"),
        (["Yes", " Yes "], "Yes"),
        (["yes"], "yes"),
        ([10**25, "1" + "0" * 25, "1" + "0" * 25 + ".0"], "1" + "0" * 25),
        (["9" * 5000], "inf"),
    ],
)
def test_labels_of_equal_value_have_one_spelling(values: list[str | float | bool], canonical: str) -> None:
    assert {canonical_label(value) for value in values} == {canonical}


@pytest.mark.parametrize(
    ("positive", "cells", "stored", "kind"),
    [
        (1, ["1", "0", "1.0", "", None, " "], [1, 0, 1, None, None, None], ColumnType.INTEGER),
        ("1", ["1", "-1", "01", "", None, " "], [1, -1, 1, None, None, None], ColumnType.INTEGER),
        ("Yes", ["Yes", "No", " Yes", "", None, " "], ["Yes", "No", "Yes", None, None, None], ColumnType.CATEGORY),
        (
            True,
            ["True", "false", "true", "", None, " "],
            ["true", "false", "true", None, None, None],
            ColumnType.CATEGORY,
        ),
        (1, ["1", "stayed", "1", "", None, " "], ["1", "stayed", "1", None, None, None], ColumnType.CATEGORY),
    ],
)
def test_the_one_other_value_means_stayed(
    positive: str | float | bool, cells: list[str | None], stored: list[object], kind: ColumnType
) -> None:
    found = target(*cells, positive=positive)
    assert isinstance(found, Target)
    assert found.labels.tolist() == [1, 0, 1, -1, -1, -1]
    assert found.values.to_pylist() == stored
    assert found.type is kind
    assert found.negative == canonical_label(cells[1] or "")


def test_one_kind_of_label_or_none_teaches_no_negative() -> None:
    for cells in (["1", ""], ["", None], []):
        found = target(*cells)
        assert isinstance(found, Target)
        assert found.negative is None
        assert found.type is ColumnType.INTEGER
        assert found.values.type == pa.int64()


def test_two_candidates_are_refused_by_name_and_a_third_label_is_a_fault_of_its_row() -> None:
    reason = target("1", "2", "3")
    assert isinstance(reason, Reason)
    assert reason.code == "labels"
    assert "'2', '3'" in reason.detail
    found = target("1", "2", "3", "", negative="2")
    assert isinstance(found, Target)
    assert found.labels.tolist() == [1, 0, -1, -1]
    assert found.faults.tolist() == [2]
    assert found.negative == "2"


def test_an_integer_target_stays_one_and_a_known_category_is_kept() -> None:
    reason = target("1", "No", type=ColumnType.INTEGER)
    assert isinstance(reason, Reason)
    assert reason.code == "labels"
    found = target("1", "0", type=ColumnType.CATEGORY)
    assert isinstance(found, Target)
    assert found.values.to_pylist() == ["1", "0"]


def test_true_is_not_one() -> None:
    assert isinstance(target("1", "0", positive=True), Reason)
