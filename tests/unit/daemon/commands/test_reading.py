"""Commands that change nothing, without a daemon: what they print, and what they refuse."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd  # before the commands, which keep it out of a process that does not have it yet
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from daemon.cli import main
from handlers import model_records, records
from handlers.calls import CallList
from handlers.client_tables import from_csv
from handlers.domain.files import FileState
from handlers.domain.limits import Limits
from handlers.domain.schema import Column, ColumnType, Role
from handlers.prediction import predict
from handlers.storage import schemas
from server import wire
from tests.unit.daemon.commands.written_house import house_on_disk, house_without_files, write_config
from tests.unit.server.small_house import SCHEMA, SETTINGS, House, release

CSV = b"corporation,tenure,contract,seats,exited\nabcd,3,monthly,4,\nef,12,yearly,20,1\n"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return house_on_disk(tmp_path)


def _run(folder: Path, *arguments: object, data: bytes | None = None) -> Result:
    line = [str(each) for each in arguments]
    return CliRunner().invoke(main, [*line, "--config", str(folder / "config.json")], input=data)


def _json(folder: Path, *arguments: object, data: bytes | None = None) -> Any:
    done = _run(folder, *arguments, "--json", data=data)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


READING = [
    ("status",),
    ("files",),
    ("models",),
    ("calls",),
    ("predict", "-"),
    ("export",),
    ("schema", "show"),
    ("schema", "history"),
]


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_without_a_ledger_it_is_said_how_to_begin(tmp_path: Path, command: tuple[str, ...]) -> None:
    write_config(tmp_path)
    done = _run(tmp_path, *command, data=CSV)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "Start the daemon with `attritiond run` first" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["config.json"]


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_bad_configuration_is_exit_code_78(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "config.json").write_text('{"servr": {}}')
    done = _run(tmp_path, *command, data=CSV)
    assert (done.exit_code, done.stdout) == (78, "")
    assert "server" in done.stderr


# -- files, models, calls -------------------------------------------------------------------------------------------


def test_lists_as_json_are_what_the_api_answers(house: House, tmp_path: Path) -> None:
    assert _json(tmp_path, "files") == json.loads(json.dumps(records.files_page(house.ledger, 100)))
    assert _json(tmp_path, "models") == json.loads(json.dumps(model_records.models_page(house.ledger, 100)))
    called = CallList(house.ledger, house.workspace, SETTINGS).page(release(), 100)
    assert _json(tmp_path, "calls") == json.loads(json.dumps(called))


def test_files_of_one_state(house: House, tmp_path: Path) -> None:
    page = _json(tmp_path, "files", "--state", "quarantined")
    assert [item["name"] for item in page["items"]] == ["broken.csv"]
    assert _run(tmp_path, "files", "--state", "lost").exit_code == 2


def test_a_limit_cuts_a_list_and_says_so(house: House, tmp_path: Path) -> None:
    done = _run(tmp_path, "files", "--limit", 2)
    header, *lines = done.stdout.splitlines()
    assert header.split()[:4] == ["NAME", "STATE", "SHA256", "READ"]
    assert [line.split()[:3] for line in lines] == [
        ["broken.csv", "quarantined", "0" * 12],
        ["july.csv", "scored", "0" * 12],
    ]
    assert lines[0].endswith("A quotation mark in line 3 is never closed. Correct it.")
    assert done.stderr == "There are more; --cursor 2 shows them.\n"
    assert _run(tmp_path, "files", "--cursor", 2).stdout.splitlines()[1].startswith("june.csv")
    assert [item["name"] for item in _json(tmp_path, "files", "--cursor", 3, "--limit", 1)["items"]] == ["july.csv"]
    assert _run(tmp_path, "files", "--limit", 3).stderr == ""
    assert _json(tmp_path, "models", "--limit", 1)["next"] == "2"
    assert _run(tmp_path, "models", "--limit", 0).exit_code == 2


def test_columns_stand_below_their_names(house: House, tmp_path: Path) -> None:
    header, first, *_ = _run(tmp_path, "models").stdout.splitlines()
    for name, cell in (("VERSION", "2"), ("STATE", "current"), ("ESTIMATOR", "logistic"), ("ROC AUC", "0.800")):
        assert first[header.index(name) :].startswith(cell)
    assert first[: header.index("TRAINED ROWS") + len("TRAINED ROWS")].endswith(" 6")


def test_calls_say_who_and_why(house: House, tmp_path: Path) -> None:
    done = _run(tmp_path, "calls", "--limit", 1)
    assert done.stderr.startswith("Ranked by model 2: 4 clients of july.csv.\n")
    first = done.stdout.splitlines()[1].split()
    assert first[0] == "1"
    assert "tenure is" in done.stdout


def test_a_name_cannot_steer_the_terminal(house: House, tmp_path: Path) -> None:
    with house.ledger.write() as connection:
        connection.exec_driver_sql("UPDATE files SET name = 'a\x1b[2Jb\n.csv' WHERE name = 'july.csv'")
    assert r"a\x1b[2Jb\n.csv " in _run(tmp_path, "files").stdout
    assert r"clients of a\x1b[2Jb\n.csv." in _run(tmp_path, "calls").stderr


def test_before_the_first_model_nobody_is_ranked(tmp_path: Path) -> None:
    house_without_files(tmp_path)
    for command in (("calls",), ("predict", "-")):
        done = _run(tmp_path, *command, data=CSV)
        assert (done.exit_code, done.stdout) == (1, "")
        assert "There is no model yet" in done.stderr
    assert _json(tmp_path, "files") == {"items": [], "next": None}


# -- predict --------------------------------------------------------------------------------------------------------


def test_predictions_are_those_of_the_api(house: House, tmp_path: Path) -> None:
    expected = predict(release(), from_csv(release(), CSV, Limits()), reasons=2)
    done = _run(tmp_path, "predict", "-", "--reasons", 2, data=CSV)
    assert done.stdout_bytes == wire.encode(expected, "text/csv")
    assert done.stderr == "The target exited was not used.\n"
    (tmp_path / "new.csv").write_bytes(CSV)
    said = _json(tmp_path, "predict", tmp_path / "new.csv", "--reasons", 2)
    assert said == json.loads(wire.encode(expected, "application/json"))
    assert _run(tmp_path, "predict", "-", data=CSV).stdout.splitlines()[0] == "id,probability,prediction"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"corporation,contract\na,monthly\n", "tenure"),
        (b"corporation,tenure,contract\na,many,monthly\n", "Line 2: 'many' is not a number"),
        (b"corporation,tenure,contract\na,1\n", "Line 2 has another number of cells"),
        (b"\x00\x01", "NUL"),
    ],
    ids=["no column", "no number", "ragged", "no text"],
)
def test_clients_that_cannot_be_scored_are_named(house: House, tmp_path: Path, content: bytes, complaint: str) -> None:
    done = _run(tmp_path, "predict", "-", data=content)
    assert (done.exit_code, done.stdout) == (1, "")
    assert complaint in done.stderr


def test_a_changed_release_is_not_used(house: House, tmp_path: Path) -> None:
    path = house.workspace.releases / "2" / "scorecard.json"
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.6"))
    for command in (("predict", "-"), ("calls",)):
        done = _run(tmp_path, *command, data=CSV)
        assert (done.exit_code, done.stdout) == (1, "")
        assert "scorecard.json is not the file that the manifest names" in done.stderr
    assert "scorecard.json" in _json(tmp_path, "status")["problems"]["model"]


# -- export, schema -------------------------------------------------------------------------------------------------


def test_the_data_set_is_exported_in_its_own_columns(house: House, tmp_path: Path) -> None:
    header, first, *_ = lines = _run(tmp_path, "export").stdout.splitlines()
    assert header == "corporation,tenure,contract,seats,arr,exited"
    assert (first, len(lines)) == ("a,1,monthly,5,1000.5,0", 12)
    done = _run(tmp_path, "export", "-o", tmp_path / "out.csv")
    assert (done.exit_code, done.stdout) == (0, "")
    assert (tmp_path / "out.csv").read_text().splitlines() == lines
    assert _run(tmp_path, "export", "--format", "parquet", "-o", tmp_path / "out.parquet").exit_code == 0
    assert pq.read_table(tmp_path / "out.parquet").column_names == header.split(",")
    assert len(pd.read_csv(tmp_path / "out.csv")) == 11
    assert not list(tmp_path.glob(".*"))


def test_parquet_is_not_for_a_terminal(house: House, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    line = [sys.executable, "-m", "daemon", "export", "--format", "parquet", "--config", str(tmp_path / "config.json")]
    done = subprocess.run(line, stdout=theirs, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert "Parquet is not text" in done.stderr


def test_parquet_goes_to_the_standard_output_too(house: House, tmp_path: Path) -> None:
    written = _run(tmp_path, "export", "--format", "parquet").stdout_bytes
    assert pq.read_table(io.BytesIO(written)).num_rows == 11


def test_the_data_set_is_exported_as_it_was(house: House, tmp_path: Path) -> None:
    assert len(_run(tmp_path, "export", "--as-of", 1).stdout.splitlines()) == 1 + 6
    assert _run(tmp_path, "export", "--as-of", 2).stdout == _run(tmp_path, "export").stdout
    done = _run(tmp_path, "export", "--as-of", 99, "-o", tmp_path / "out.csv")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "The data set has no version 99: there are 0 to 2." in done.stderr
    assert not (tmp_path / "out.csv").exists()
    assert not list(tmp_path.glob(".*"))
    assert _run(tmp_path, "export", "--as-of", "yesterday").exit_code == 2


def test_a_device_is_written_to_and_never_replaced(house: House, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert _run(tmp_path, "export", "-o", pipe).exit_code == 0
    assert os.read(reader, 100).startswith(b"corporation,tenure")
    os.close(reader)
    assert pipe.is_fifo()


def test_the_schema_is_shown(house: House, tmp_path: Path) -> None:
    lines = [line.split() for line in _run(tmp_path, "schema", "show").stdout.splitlines()]
    assert ["seats", "integer", "feature", "optional"] in lines
    assert [column["name"] for column in _json(tmp_path, "schema", "show")["columns"]] == [
        line[0] for line in lines[1:]
    ]


def test_the_schemas_that_there_were_are_shown(house: House, tmp_path: Path) -> None:
    columns = (
        *(replace(column, type=ColumnType.NUMBER) if column.name == "seats" else column for column in SCHEMA.columns),
        Column("note", ColumnType.TEXT, Role.IGNORED),
    )
    with house.ledger.write() as connection:
        schemas.write(connection, replace(SCHEMA, version=2, columns=columns, negative_label="no"))
    lines = _run(tmp_path, "schema", "history").stdout.splitlines()
    assert [" ".join(line.split()) for line in (lines[0], lines[1], lines[-1])] == [
        "SCHEMA DATA SET WHAT WAS NEW",
        "1 0 6 columns",
        "2 2 seats: number instead of integer; note (text); the other label is no",
    ]
    items = _json(tmp_path, "schema", "history")["items"]
    assert [(item["dataset_version"], item["schema"]["version"]) for item in (items[0], items[-1])] == [(0, 1), (2, 2)]


# -- status ---------------------------------------------------------------------------------------------------------


def test_status_without_a_daemon_says_what_waits(house: House, tmp_path: Path) -> None:
    (house.workspace.source / "new.csv").write_bytes(CSV)
    (house.workspace.source / "notes.txt").write_bytes(CSV)
    said = _json(tmp_path, "status")
    assert said["daemon"] == {"running": False, "pid": None, "url": None}
    assert said["model"] == model_records.models_page(house.ledger, 1)["items"][0]
    assert said["files"] == {FileState.INGESTED: 1, FileState.SCORED: 1, FileState.QUARANTINED: 1}
    assert (said["waiting"], said["undecided"], said["problems"]) == (1, 0, {})
    assert said["last_decision"]["sentence"] == "Model 2 was promoted: its log loss is lower."
    lines = _run(tmp_path, "status").stdout
    for part in ("not running", "2 (logistic)", "1 files waiting", "Model 2 was promoted: its log loss is lower."):
        assert part in lines


def test_status_names_who_holds_the_lock_and_does_not_answer(house: House, tmp_path: Path) -> None:
    from handlers.storage import lock

    descriptor = lock.acquire(house.workspace.lock)
    said = _json(tmp_path, "status")
    os.close(descriptor)
    assert said["daemon"] == {"running": False, "pid": os.getpid(), "url": None}
    assert str(os.getpid()) in said["problems"]["daemon"]
    assert _json(tmp_path, "status")["daemon"]["pid"] is None


def test_status_says_that_there_is_no_model_or_no_source_folder(tmp_path: Path) -> None:
    house_without_files(tmp_path).workspace.source.rmdir()
    said = _json(tmp_path, "status")
    assert (said["model"], said["last_decision"]) == (None, None)
    assert sorted(said["problems"]) == ["model", "source_folder"]
