from __future__ import annotations

import itertools
from dataclasses import dataclass

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.files import Reason
from handlers.domain.labels import (
    LabelEvidence,
    canonical_label,
    label_values,
    plan_target,
    read_labels,
    settle_target,
)
from handlers.domain.schema import ColumnType


@dataclass(frozen=True)
class Target:
    labels: list[int]
    values: pa.Array
    type: ColumnType
    negative: str | None
    faults: list[int]


def target(
    *cells: str | None,
    positive: str | float | bool = 1,
    negative: str | None = None,
    type: ColumnType | None = None,
    places: tuple[int, ...] = (),
) -> Target | Reason:
    plan = plan_target(positive, negative, type)
    evidence, labels, faults = LabelEvidence(), [], []
    whole = pa.array(["x", *cells], pa.string()).slice(1)
    edges = [0, *sorted(places), len(cells)]
    for start, end in itertools.pairwise(edges):
        block = read_labels(whole[start:end], plan)
        evidence += block.evidence
        labels.append(block.labels)
        faults += [start + row for row in block.faults.tolist()]
    settled = settle_target(plan, evidence)
    if isinstance(settled, Reason):
        return settled
    values = pa.chunked_array([label_values(part, plan, settled) for part in labels]).combine_chunks()
    return Target([label for part in labels for label in part.tolist()], values, settled.type, settled.stayed, faults)


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
    assert found.labels == [1, 0, 1, -1, -1, -1]
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
    assert found.labels == [1, 0, -1, -1]
    assert found.faults == [2]
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


def test_cells_of_one_byte_mean_what_longer_ones_do() -> None:
    for cells in (["Y", "N", "", None, "?"], ["Y", "N", " ", None, "?"], ["Y", "N ", "", None, "?"]):
        found = target(*cells, positive="Y", negative="N")
        assert isinstance(found, Target)
        assert found.labels == [1, 0, -1, -1, -1]
        assert found.faults == [4]


def test_of_a_target_that_holds_something_else_only_so_much_is_remembered() -> None:
    reason = target(*(f"name {number}" for number in range(300)))
    assert isinstance(reason, Reason)
    assert reason.detail.endswith("and many more.")


LABELS = st.lists(st.sampled_from(["1", "0", "1.0", " 0", "2", "", None, "no"]), max_size=9)


@given(cells=LABELS, places=st.lists(st.integers(0, 9), max_size=3), negative=st.sampled_from([None, "0", "no"]))
def test_labels_mean_the_same_however_a_file_is_cut(
    cells: list[str | None], places: list[int], negative: str | None
) -> None:
    whole = target(*cells, negative=negative)
    assert target(*cells, negative=negative, places=tuple(min(place, len(cells)) for place in places)) == whole
    others = {canonical_label(cell) for cell in cells if cell} - {"1"}
    assert isinstance(whole, Reason) == (negative is None and len(others) > 1)
    if isinstance(whole, Target):
        stayed = negative if negative is not None else next(iter(others), None)
        expected = [-1 if not cell else 1 if float("nan" if cell == "no" else cell) == 1 else 0 for cell in cells]
        third = [row for row, cell in enumerate(cells) if cell and canonical_label(cell) not in ("1", stayed)]
        assert whole.faults == third
        assert whole.labels == [-1 if row in third else label for row, label in enumerate(expected)]
