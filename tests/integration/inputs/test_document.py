"""docs/inputs.md and the tests hold each other to their word: every row has an example, every example a row."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.inputs import test_folder, test_sizes, test_taking
from tests.integration.inputs.case import PROMISES, Promise
from tests.integration.inputs.test_contents import CASES

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "inputs.md"
OUTCOMES = {
    "accepted",
    "accepted with a note",
    "row set aside",
    "refused",
    "duplicate",
    "ignored",
    "failed",
    "not yet",
    "nothing",
}
ANCHOR = re.compile(r'<a id="([a-z0-9-]+)"></a>')
CODE = re.compile(r"`([a-z_0-9]+)`")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: its anchor, what happens, and the code or the note."""

    anchor: str
    outcome: str
    says: str


def rows() -> list[Row]:
    """The rows of the table, without the headings in it."""
    lines = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("|")]
    found = []
    for line in lines[2:]:
        _, what, outcome, says, _, _ = line.split("|")
        anchor = ANCHOR.search(what)
        if anchor is None:
            assert re.fullmatch(r" \*\*.+\*\* ", what), f"no anchor: {line}"
            continue
        found.append(Row(anchor[1], outcome.strip(), says.strip()))
    return found


def promises() -> dict[str, list[Promise]]:
    """What the tests hold, by row."""
    assert {test_folder, test_sizes, test_taking}, "importing them has made their promises known"
    by_row = defaultdict(list)
    for promise in (*(case.promise for case in CASES), *PROMISES):
        by_row[promise.row].append(promise)
    return by_row


ROWS = rows()


def test_the_table_and_the_tests_have_the_same_rows() -> None:
    anchors = [row.anchor for row in ROWS]
    assert len(anchors) == len(set(anchors))
    assert set(anchors) == set(promises())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.anchor)
def test_a_row_says_what_its_tests_show(row: Row) -> None:
    examples = promises()[row.anchor]
    assert row.outcome in OUTCOMES
    assert {example.outcome for example in examples} == {row.outcome}
    if row.outcome == "accepted with a note":
        assert row.says
        for example in examples:
            assert any(row.says.strip("`") in note for note in example.notes), example
    else:
        assert set(CODE.findall(row.says)) == {code for example in examples for code in example.codes}
