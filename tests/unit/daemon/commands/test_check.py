"""``check`` as a user runs it: the configuration, and a file before it is dropped."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd  # noqa: F401 - before the commands, which keep it out of a process that does not have it yet
import pytest
from click.testing import CliRunner, Result

from daemon.bootstrap import open_ledger
from daemon.cli import main
from daemon.commands.workspace import read_configuration
from tests.unit.daemon.commands.written_house import house_on_disk

GOOD = "corporation;tenure;note;exited\n" + "".join(f"k{n};{n},5;text;{n % 2}\n" for n in range(30))
HOUSE = "corporation,tenure,contract,arr,exited\n" + "".join(f"n{n},{n},monthly,10.5,{n % 2}\n" for n in range(20))


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments], catch_exceptions=False)


def _configure(folder: Path, **keys: object) -> None:
    (folder / "config.json").write_text(json.dumps({"dataset": {"time_column": "month"}, **keys}))


def _drop(folder: Path, path: Path, *, code: int = 0) -> Any:
    """What is said of a file to a program."""
    done = _run("check", "--drop", path, "--json", "--config", folder / "config.json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


# -- the configuration -------------------------------------------------------------------------------------------------


def test_check_says_what_is_there(tmp_path: Path) -> None:
    _run("init", tmp_path)
    (tmp_path / "sourcedata" / "a.csv").write_text("x\n1\n")
    (tmp_path / "sourcedata" / "b.csv.tmp").touch()
    (tmp_path / "models").rmdir()
    (tmp_path / "testdata").rmdir()
    (tmp_path / "testdata").touch()
    config = tmp_path / "config.json"
    done = _run("check", "--config", config, "--json")
    answer = json.loads(done.stdout)
    assert (done.exit_code, done.stderr, answer["valid"]) == (0, "", True)
    assert answer["source"] == {"files": 1, "bytes": 4, "ignored": 1, "problem": None}
    assert answer["folders"]["output_model_path"] == {
        "path": str(tmp_path / "models"),
        "exists": False,
        "writable": True,
    }
    assert answer["folders"]["test_data_path"]["writable"] is False
    assert answer["settings"]["server"]["port"] == 8000
    plain = _run("check", "--config", config).stdout
    assert "output_model_path: " + str(tmp_path / "models") + " (not there yet)" in plain
    assert f"test_data_path: {tmp_path / 'testdata'} (NOT a folder, or closed to you)" in plain
    assert "source: 1 files (4 bytes), 1 ignored" in plain


def test_check_makes_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    done = _run("check", "--config", tmp_path / "config.json")
    assert done.exit_code == 0
    assert [each.name for each in tmp_path.iterdir()] == ["config.json"]


def test_a_bad_configuration_is_exit_code_78(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"server": {"prot": 1}}')
    done = _run("check", "--config", tmp_path / "config.json")
    assert (done.exit_code, done.stdout) == (78, "")
    assert "server.prot: there is no such key. The nearest is 'port'" in done.stderr


def test_check_tells_a_program_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"server": {"prot": 1}, "drift": 1}')
    done = _run("check", "--json", "--config", tmp_path / "config.json")
    answer = json.loads(done.stdout)
    assert (done.exit_code, answer["valid"], len(answer["problems"])) == (78, False, 2)


def test_check_takes_the_environment_into_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setenv("ATTRITIOND__SERVER__PORT", "123")
    answer = json.loads(_run("check", "--json", "--config", tmp_path / "config.json").stdout)
    assert answer["settings"]["server"]["port"] == 123


def test_check_refuses_a_configuration_that_the_data_set_does_not_fit(tmp_path: Path) -> None:
    _configure(tmp_path)
    settings, folders = read_configuration(tmp_path / "config.json")
    open_ledger(settings, folders).close()
    assert _run("check", "--config", tmp_path / "config.json").exit_code == 0
    _configure(tmp_path, dataset={"time_column": "month", "id_column": "client"})
    done = _run("check", "--config", tmp_path / "config.json")
    assert done.exit_code == os.EX_CONFIG
    assert "dataset.id_column is 'client'" in done.stderr


# -- a file -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration, and nothing else."""
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def test_the_first_file_is_checked_without_a_data_set_and_nothing_is_made(folder: Path) -> None:
    path = folder / "elsewhere" / "new.csv"
    path.parent.mkdir()
    path.write_text(GOOD)
    said = _drop(folder, path)
    assert (said["name"], said["bytes"], said["taken"], said["state"]) == ("new.csv", len(GOOD), True, "ingested")
    assert (said["encoding"], said["compression"], said["delimiter"], said["kind"]) == ("UTF-8", None, ";", "rows")
    assert said["columns"][1] == {"name": "tenure", "type": "number", "role": "feature", "new": True}
    assert any("semicolon" in note for note in said["notes"])
    assert any("comma" in note for note in said["notes"])
    assert said["rows"] == {"read": 30, "rejected": 0, "unlabelled": 0}
    assert sorted(each.name for each in folder.iterdir()) == ["config.json", "elsewhere"]


def test_a_person_is_told_in_words(folder: Path) -> None:
    path = folder / "new.csv"
    path.write_text(GOOD.replace("k3;3,5;", "k3;3,5;more;cells;"))
    done = _run("check", "--drop", path, "--config", folder / "config.json")
    lines = done.stdout.splitlines()
    assert (done.exit_code, done.stderr) == (0, "")
    assert lines[0] == "new.csv would be ingested: 30 rows read, 1 of them set aside."
    assert lines[1] == "Read as UTF-8, cells separated by semicolons; it holds rows."
    assert any(line.split() == ["exited", "integer", "target", "new"] for line in lines)
    assert any(line.split()[:2] == ["5", "ragged"] for line in lines)
    assert lines[-1].startswith("ragged: Give the row as many cells as the header has")


def test_a_refusal_has_the_reason_the_lines_and_what_to_do(folder: Path) -> None:
    path = folder / "bad.csv"
    path.write_text('corporation,tenure,exited\na,1,1\n"b,0,0\n')
    said = _drop(folder, path, code=1)
    assert (said["taken"], said["state"], said["reason"]["code"]) == (False, "quarantined", "quotes")
    assert said["reason"]["lines"] == [3]
    assert said["reason"]["what_to_do"]
    assert (said["kind"], said["encoding"], said["columns"]) == (None, None, [])
    done = _run("check", "--drop", path, "--config", folder / "config.json")
    assert done.stdout.splitlines()[0] == "bad.csv would be quarantined."
    assert "Lines: 3." in done.stdout
    assert "What to do: " in done.stdout


def test_where_too_many_rows_are_faulty_it_shows_which(folder: Path) -> None:
    path = folder / "bad.csv"
    path.write_text(GOOD + "short;1,5\n" * 25)
    said = _drop(folder, path, code=1)
    assert said["reason"]["code"] == "too_many_rejected"
    assert said["rows"] == {"read": 55, "rejected": 25, "unlabelled": 0}
    assert [row["line"] for row in said["rejected"]] == list(range(32, 52))
    assert said["delimiter"] == ";"


@pytest.mark.parametrize(
    ("name", "code"), [("half.csv.part", "temporary"), (".hidden.csv", "hidden"), ("notes.txt", "not_csv")]
)
def test_a_name_that_is_no_input_is_told(folder: Path, name: str, code: str) -> None:
    (folder / name).write_text(GOOD)
    said = _drop(folder, folder / name, code=1)
    assert (said["state"], said["reason"]["code"], said["taken"]) == ("ignored", code, False)


def test_what_is_no_file_is_never_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe.csv")
    (folder / "real.csv").write_text(GOOD)
    (folder / "link.csv").symlink_to(folder / "real.csv")
    (folder / "folder.csv").mkdir()
    for name in ("pipe.csv", "link.csv", "folder.csv"):
        assert _drop(folder, folder / name, code=1)["state"] == "ignored"


def test_a_packed_file_is_told(folder: Path) -> None:
    (folder / "new.csv.gz").write_bytes(gzip.compress(GOOD.encode("utf-16")))
    said = _drop(folder, folder / "new.csv.gz")
    assert (said["compression"], said["encoding"]) == ("gzip", "UTF-16")


def test_a_file_that_is_not_there_is_wrong_usage(folder: Path) -> None:
    done = _run("check", "--drop", folder / "none.csv", "--config", folder / "config.json")
    assert done.exit_code == 2


def test_a_bad_configuration_comes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"servr": {}}')
    (tmp_path / "new.csv").write_text(GOOD)
    assert _run("check", "--drop", tmp_path / "new.csv", "--config", tmp_path / "config.json").exit_code == 78


def test_the_schema_and_the_contents_of_the_data_set_count(tmp_path: Path) -> None:
    house = house_on_disk(tmp_path)
    path = tmp_path / "new.csv"
    path.write_text(HOUSE.replace("contract", "extra"))
    said = _drop(tmp_path, path, code=1)
    assert said["reason"]["code"] == "missing_column"
    assert "contract" in said["reason"]["detail"]
    path.write_text(HOUSE.replace("exited", "exited,extra").replace("\n", ",1\n").replace("extra,1", "extra"))
    by_name = {column["name"]: column for column in _drop(tmp_path, path)["columns"]}
    assert (by_name["extra"]["new"], by_name["tenure"]["new"]) == (True, False)
    path.write_text(HOUSE)
    with house.ledger.write() as connection:
        sha256 = _drop(tmp_path, path)["sha256"]
        connection.exec_driver_sql("UPDATE files SET sha256 = ? WHERE name = 'june.csv'", (sha256,))
    said = _drop(tmp_path, path)
    assert (said["state"], said["taken"]) == ("duplicate", True)
    assert "june.csv" in said["reason"]["detail"]


def test_rows_without_labels_would_be_scored_and_labels_are_looked_up(tmp_path: Path) -> None:
    house_on_disk(tmp_path)
    path = tmp_path / "new.csv"
    path.write_text("corporation,tenure,contract,arr\n" + "".join(f"n{n},{n},monthly,10.5\n" for n in range(5)))
    said = _drop(tmp_path, path)
    assert (said["state"], said["rows"]["unlabelled"]) == ("scored", 5)
    path.write_text("corporation,exited\na,1\nb,0\nc,1\ngone,0\nback,1\nnobody,1\n")
    said = _drop(tmp_path, path)
    assert (said["kind"], said["state"], said["rows"]["rejected"]) == ("labels", "ingested", 1)
    assert (said["rejected"][0]["line"], said["rejected"][0]["code"]) == (7, "unknown_client")
    path.write_text("corporation,exited\na,1\nnobody,1\n")
    said = _drop(tmp_path, path, code=1)
    assert said["reason"]["code"] == "unknown_clients"
    assert [row["value"] for row in said["rejected"]] == ["nobody"]
