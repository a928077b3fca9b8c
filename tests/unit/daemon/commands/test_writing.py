"""Commands that change something, as the daemon's side of the socket sees them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd  # noqa: F401 - before the commands, which keep it out of a process that does not have it yet
import pytest
from click.testing import CliRunner, Result

from daemon import control
from daemon.cli import main
from handlers.storage import lock, models
from tests.unit.daemon.commands.written_house import house_on_disk, write_config
from tests.unit.server.small_house import House

WRITING = [("deploy", "1"), ("rollback",), ("report",), ("schema", "reset")]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return house_on_disk(tmp_path)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What was asked of a daemon that answers to everything."""
    said: list[tuple[str, dict[str, Any]]] = []
    answers = {"/deploy": {"model_version": 1}, "/schema/reset": {"files": ["a.csv"]}, "/status": {"problems": {}}}

    def answer(_workspace: object, route: str, body: dict[str, Any], **_: object) -> dict[str, Any]:
        said.append((route, body))
        return answers[route]

    monkeypatch.setattr(control, "ask", answer)
    return said


def _run(folder: Path, *arguments: object) -> Result:
    line = [str(each) for each in arguments]
    return CliRunner().invoke(main, [*line, "--config", str(folder / "config.json")])


def _refusing(message: str) -> Callable[..., dict[str, Any]]:
    return lambda *_, **__: {"error": message}


@pytest.mark.parametrize("command", WRITING, ids=" ".join)
def test_where_nothing_is_nothing_is_made(tmp_path: Path, command: tuple[str, ...]) -> None:
    write_config(tmp_path)
    done = _run(tmp_path, *command)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "There is no ledger" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["config.json"]


@pytest.mark.parametrize("command", [*WRITING, ("ingest", "new.csv")], ids=" ".join)
def test_a_held_lock_is_exit_code_75(
    house: House, tmp_path: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.commands.running.LOCK_PATIENCE_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)
    Path("new.csv").touch()
    descriptor = lock.acquire(house.workspace.lock)
    done = _run(tmp_path, *command)
    os.close(descriptor)
    assert (done.exit_code, done.stdout) == (75, "")
    assert f"process {os.getpid()}" in done.stderr


@pytest.mark.parametrize("command", WRITING, ids=" ".join)
def test_a_refusal_of_the_daemon_is_said(
    house: House, tmp_path: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "ask", _refusing("No. Because."))
    done = _run(tmp_path, *command)
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "Error: No. Because.\n")


def test_the_daemon_is_asked_for_a_version_or_the_previous_one(
    house: House, tmp_path: Path, asked: list[tuple[str, dict[str, Any]]]
) -> None:
    assert _run(tmp_path, "deploy", 1).stdout == "Model 1 is the current one.\n"
    assert json.loads(_run(tmp_path, "rollback", "--json").stdout) == {"model_version": 1}
    assert asked == [("/deploy", {"version": 1}), ("/deploy", {"version": None})]
    assert _run(tmp_path, "deploy", "newest").exit_code == 2
    assert _run(tmp_path, "deploy").exit_code == 2


def test_a_schema_is_reset_by_the_daemon(house: House, tmp_path: Path, asked: list[tuple[str, dict[str, Any]]]) -> None:
    assert _run(tmp_path, "schema", "reset").stdout == "The columns are learned anew; 1 files are taken again now.\n"
    assert json.loads(_run(tmp_path, "schema", "reset", "--json").stdout) == {"files": ["a.csv"]}


def test_the_daemon_writes_the_reports_that_are_waited_for(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(*_: object, **__: object) -> dict[str, Any]:
        """The daemon gets one report done whenever it is asked how it is."""
        with house.ledger.write() as connection:
            missing = models.unreported(connection)
            folder = house.workspace.reports / str(missing[0])
            folder.mkdir(parents=True)
            (folder / "report.pdf").touch()
            models.set_reported(connection, missing[0])
        latest = house.workspace.reports / "latest"
        latest.unlink(missing_ok=True)
        latest.symlink_to(str(missing[0]))
        return {"problems": {}}

    monkeypatch.setattr(control, "ask", written)
    monkeypatch.setattr("daemon.commands.writing.POLL_SECONDS", 0.0)
    done = _run(tmp_path, "report", "--json")
    folder = house.workspace.reports / "2"
    assert json.loads(done.stdout) == {"folder": str(folder), "files": ["report.pdf"]}


def test_reports_that_the_daemon_cannot_write_are_not_waited_for(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"problems": {"report": "The disk is full."}}
    monkeypatch.setattr(control, "ask", lambda *_, **__: answer)
    done = _run(tmp_path, "report")
    assert (done.exit_code, done.stderr) == (1, "Error: The disk is full.\n")


def test_alone_what_cannot_be_is_refused(house: House, tmp_path: Path) -> None:
    assert "There is no model 9" in _run(tmp_path, "deploy", 9).stderr
    assert "was removed" in _run(tmp_path, "rollback").stderr  # release 1 is in the ledger, its folder is not there
    assert "june.csv is no longer in" in _run(tmp_path, "schema", "reset").stderr
