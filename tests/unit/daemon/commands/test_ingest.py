"""Waiting for the daemon to take a file: what ends it besides the ledger's word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd  # noqa: F401 - before the commands, which keep it out of a process that does not have it yet
import pytest
from click.testing import CliRunner, Result

from daemon import control
from daemon.cli import main
from tests.unit.daemon.commands.written_house import house_on_disk
from tests.unit.server.small_house import House


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr("daemon.commands.outcomes.POLL_SECONDS", 0.0)
    monkeypatch.setattr("daemon.commands.outcomes.ASK_SECONDS", 0.0)
    return house_on_disk(tmp_path)


def _ingest(folder: Path) -> Result:
    (folder / "new.csv").write_text("a,b\n1,2\n")
    return CliRunner().invoke(main, ["ingest", str(folder / "new.csv"), "--config", str(folder / "config.json")])


@pytest.mark.parametrize(
    "problems",
    [
        {"source_folder": "The folder cannot be read."},
        {"ingestion": "The disk is full."},
        {"files": "new.csv could not be taken."},
    ],
    ids=lambda problems: next(iter(problems)),
)
def test_a_daemon_that_cannot_take_it_is_not_waited_for(
    house: House, tmp_path: Path, problems: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "ask", lambda *_, **__: {"problems": problems})
    done = _ingest(tmp_path)
    assert (done.exit_code, done.stdout) == (1, "")
    assert next(iter(problems.values())) in done.stderr
    assert (house.workspace.source / "new.csv").is_file()


def test_a_daemon_that_has_stopped_is_not_waited_for(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def stops(_workspace: object, route: str, _body: object, **_: object) -> dict[str, Any]:
        """It answers until the scan, and is gone then."""
        if "/scan" in asked:
            raise control.NoDaemon
        asked.append(route)
        return {"problems": {"files": "another.csv could not be taken."}}

    monkeypatch.setattr(control, "ask", stops)
    done = _ingest(tmp_path)
    assert done.exit_code == 1
    assert "The daemon has stopped" in done.stderr


def test_a_file_that_somebody_takes_away_is_not_waited_for(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def takes_away(_workspace: object, route: str, _body: object, **_: object) -> dict[str, Any]:
        if route == "/scan":
            (house.workspace.source / "new.csv").unlink()
        return {"problems": {}}

    monkeypatch.setattr(control, "ask", takes_away)
    done = _ingest(tmp_path)
    assert done.exit_code == 1
    assert "new.csv was replaced or removed before it was taken" in done.stderr
