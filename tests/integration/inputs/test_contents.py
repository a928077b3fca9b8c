"""Each example of docs/inputs.md that is a matter of a file's bytes, through the pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.domain.files import FileState
from tests.integration.inputs import cases_header, cases_labels, cases_numbers, cases_packed, cases_repeats, cases_text
from tests.integration.inputs.case import Case, take

CASES = (
    *cases_text.CASES,
    *cases_header.CASES,
    *cases_numbers.CASES,
    *cases_labels.CASES,
    *cases_packed.CASES,
    *cases_repeats.CASES,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.row)
def test_what_becomes_of_a_file(case: Case, tmp_path: Path) -> None:
    seen = take(case, tmp_path)
    record = seen.record
    assert (record.state, record.reason.code if record.reason else "") == (case.state, case.code), record
    assert list(seen.rows) == list(case.rows)
    assert seen.rejected == case.rejected
    assert len(record.notes) == len(case.notes), record.notes
    for note, words in zip(record.notes, case.notes, strict=True):
        assert words in note
    if case.state is FileState.QUARANTINED:
        assert record.reason is not None
        assert case.says in record.reason.detail, record.reason
        assert record.reason.hint.endswith(".")
        assert not case.lines or record.reason.lines == case.lines
        assert seen.quarantined == (case.content,)
    elif case.state is not FileState.DUPLICATE:
        counts = record.rows
        assert (counts.ingested, counts.duplicate) == (len(case.rows), case.duplicates)
        assert (counts.read, counts.rejected) == (
            len(case.rows) + case.duplicates + len(case.rejected),
            len(case.rejected),
        )
