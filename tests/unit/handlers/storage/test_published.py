"""What is written for people beside the data set."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pytest

from handlers.domain.files import Reason, RowFault, shown_name
from handlers.storage import published
from handlers.storage.inbox import Content
from handlers.storage.workspace import Workspace
from tests.unit.handlers.small_dataset import SmallDataset

SHA256 = "0123456789abcdef" * 4
ODD = os.fsdecode(b"k\xffse.csv")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return SmallDataset(tmp_path).workspace


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_finaldata_is_the_data_set_without_what_is_hidden(tmp_path: Path) -> None:
    small = SmallDataset(tmp_path)
    small.add({"corporation": ["a", "b"], "activity": [5, None], "exited": [1, 0]})
    folder = small.workspace.dataset
    for _ in range(2):
        published.write_finaldata(small.workspace, small.snapshot(), ["one.csv", "two\nlines.csv", ODD])
    expected = "corporation,activity,spend,plan,exited\na,5,,,1\nb,,,,0\n"
    assert (folder / "finaldata.csv").read_text() == expected
    assert (folder / "ingestedfiles.txt").read_text() == "one.csv\ntwo\\nlines.csv\nk\\xffse.csv\n"
    published.remove_finaldata(small.workspace)
    published.remove_finaldata(small.workspace)
    assert {"finaldata.csv", "ingestedfiles.txt"}.isdisjoint(names(folder))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("drop.csv", "drop.csv"), ("drop.csv.gz", "drop.csv"), ("A.CSV", "A.csv"), (ODD, ODD), ("a.b.csv", "a.b.csv")],
)
def test_predictions_stand_under_the_name_of_their_file(workspace: Workspace, name: str, expected: str) -> None:
    table = pa.table({"corporation": ["a", "b"], "probability": [0.123456789, None], "prediction": [0, 1]})
    path = published.write_predictions(workspace, name, [table])
    assert path == workspace.source.parent / "predictions" / expected
    assert path.read_text() == "corporation,probability,prediction\na,0.123457,0\nb,,1\n"


@pytest.mark.parametrize("name", ["", ".", "..", "../up.csv", "a/b.csv", "nul\0.csv"])
def test_a_name_is_one_component_of_a_path(workspace: Workspace, name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        published.write_predictions(workspace, name, [pa.table({"probability": [0.5]})])
    with pytest.raises(ValueError, match="not the name"):
        published.write_quarantined(workspace, SHA256, name=name, source=Content.of(b""), reason=Reason("x", "y"))


def test_two_names_of_the_longest_length_are_written_under_two_names(workspace: Workspace) -> None:
    long = ["é" * 125 + f"{number}.csv" for number in (1, 2)]
    assert all(len(os.fsencode(name)) == 255 for name in long)
    for name in long:
        published.write_predictions(workspace, name, [pa.table({"probability": [0.5]})])
        published.write_rejected(workspace, SHA256, name, [])
        published.write_quarantined(workspace, SHA256, name=name, source=Content.of(b"x"), reason=Reason("x", "y"))
    assert [len(names(folder)) for folder in (workspace.predictions, workspace.rejected, workspace.quarantine)] == [
        2,
        2,
        4,
    ]
    assert all(name.endswith(".csv") for name in names(workspace.predictions))


def test_rejected_rows_are_told_with_line_column_code_and_value(workspace: Workspace) -> None:
    faults = [RowFault(3, "activity", "not_a_number", 'a "b", c'), RowFault(9, "exited", "label", "\udcff")]
    path = published.write_rejected(workspace, SHA256, "drop.csv.gz", faults)
    assert path.name == f"{SHA256}-drop.csv"
    assert path.parent == workspace.source.parent / "rejected"
    lines = path.read_text().splitlines()
    assert lines == ["line,column,code,value", '3,activity,not_a_number,"a ""b"", c"', "9,exited,label,\\udcff"]


def test_a_refused_file_is_kept_byte_for_byte_with_its_reason(workspace: Workspace) -> None:
    reason = Reason("labels", "Three labels.", "Correct the target.", (4, 7))
    for _ in range(2):
        path = published.write_quarantined(
            workspace, SHA256, name=ODD, source=Content.of(b"\x00\xff,1\r\n"), reason=reason
        )
    assert path.read_bytes() == b"\x00\xff,1\r\n"
    assert names(workspace.quarantine) == [f"{SHA256}-{ODD}", f"{SHA256}-{ODD}.reason.json"]
    assert json.loads(path.with_name(f"{path.name}.reason.json").read_text()) == {
        "name": "k\\xffse.csv",
        "sha256": SHA256,
        "code": "labels",
        "sentence": "Three labels.",
        "lines": [4, 7],
        "what_to_do": "Correct the target.",
    }


def test_more_faults_than_are_written_at_once_are_all_there(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "_ROWS_AT_ONCE", 3)
    path = published.write_rejected(workspace, SHA256, "a.csv", (RowFault(n, "", "ragged", "x") for n in range(2, 9)))
    lines = path.read_text().splitlines()
    assert lines == ["line,column,code,value", *(f"{n},,ragged,x" for n in range(2, 9))]


@pytest.mark.parametrize("name", ["a b.csv", ODD, "back\\slash.csv", "é" * 120 + ".csv", ODD[:3] + "é" * 100 + ".csv"])
def test_the_copy_of_a_refused_file_is_found_by_what_its_record_says(workspace: Workspace, name: str) -> None:
    path = published.write_quarantined(workspace, SHA256, name=name, source=Content.of(b"x"), reason=Reason("x", "y"))
    published.write_quarantined(workspace, SHA256, name="b.csv", source=Content.of(b"x"), reason=Reason("x", "y"))
    shown = shown_name(name)
    assert published.quarantined_copy(workspace, SHA256, shown) == path
    assert published.quarantined_copy(workspace, SHA256[::-1], shown) is None
    for _ in range(2):
        published.remove_quarantined(workspace, SHA256, shown)
    assert published.quarantined_copy(workspace, SHA256, shown) is None
    assert names(workspace.quarantine) == [f"{SHA256}-b.csv", f"{SHA256}-b.csv.reason.json"]
