"""A configuration that is read again changes at once what can change, and says what waits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daemon.bootstrap import open_ledger
from daemon.configuration import ConfigurationError
from daemon.reloading import read_again
from daemon.settings import Settings, read, workspace


def _write(folder: Path, **content: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(content))
    return path


def _running(folder: Path) -> tuple[Path, Settings]:
    path = _write(folder)
    return path, read(path, {})


def test_nothing_changed_changes_nothing(tmp_path: Path) -> None:
    path, running = _running(tmp_path)
    reloaded = read_again(path, running)
    assert (reloaded.settings, reloaded.changed, reloaded.after_restart) == (running, (), ())


def test_the_policy_changes_at_once_and_port_and_folders_after_a_restart(tmp_path: Path) -> None:
    path, running = _running(tmp_path)
    _write(tmp_path, drift={"policy": "never"}, server={"port": 9}, input_folder_path="elsewhere")
    reloaded = read_again(path, running)
    assert reloaded.settings.drift.policy == "never"
    assert (reloaded.settings.server, reloaded.settings.input_folder_path) == (running.server, "sourcedata")
    assert reloaded.changed == ("input_folder_path", "drift", "server")
    assert reloaded.after_restart == ("input_folder_path", "server")


@pytest.mark.parametrize("content", [{"drift": {"policy": "sometimes"}}, {"dataset": {"id_column": "client"}}])
def test_what_the_next_start_would_refuse_is_refused_now(tmp_path: Path, content: dict[str, object]) -> None:
    path, running = _running(tmp_path)
    open_ledger(running, workspace(running, path)).close()
    _write(tmp_path, **content)
    with pytest.raises(ConfigurationError):
        read_again(path, running)
