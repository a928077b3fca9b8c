"""The real daemon as a process: what it loads, what it says, how it starts, stops and bears a broken machine."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.daemon_process import ENVIRONMENT, PROJECT, DaemonProcess, run_command, running
from tests.end_to_end.drops import HEADER, Clients, csv_text, drop, workspace
from tests.end_to_end.test_operation import whole

HEAVY = ("pandas", "sklearn", "scipy", "matplotlib", "interpret")
PAGE = (PROJECT / "docs" / "log-events.md").read_text(encoding="utf-8")


@pytest.fixture
def clients() -> Clients:
    return Clients(random.Random(7))  # noqa: S311 - no secret


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return workspace(tmp_path / "work")


def _learn(daemon: DaemonProcess, clients: Clients) -> None:
    drop(daemon.root / "sourcedata", "first.csv", csv_text(clients.rows(400)))
    daemon.wait_for("model.promoted")
    daemon.until(lambda: daemon.request("GET", "/readyz")[0] == 200, "it is ready")


def _problems(daemon: DaemonProcess) -> dict[str, str]:
    problems: dict[str, str] = json.loads(daemon.request("GET", "/readyz")[1])["problems"]
    return problems


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


# -- what it loads, writes and says --------------------------------------------------------------------------------


def test_the_front_never_loads_what_only_learning_needs_and_nobody_writes_to_the_users_home(
    config: Path, clients: Clients, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with _environment(HOME=str(home), XDG_CACHE_HOME="", XDG_CONFIG_HOME=""), running(config) as daemon:
        _learn(daemon, clients)
        drop(daemon.root / "sourcedata", "second.csv", csv_text(clients.unlabelled(50)))
        daemon.wait_file("second.csv", "scored")
        daemon.wait_for("report.written")
        client = dict(zip(HEADER, clients.unlabelled(1)[0], strict=True))
        client = {name: int(value) if value.isdigit() else value for name, value in client.items() if value}
        assert len(daemon.post("/v1/prediction?reasons=3", {"clients": [client]})["probabilities"]) == 1
        assert daemon.get("/v1/calls")["items"]
        assert daemon.get("/v1/summarystats")["rows"] == 450
        for path in ("/v1/scoring", "/v1/diagnostics", "/v1/models", "/v1/decisions", "/openapi.json"):
            daemon.get(path)
        assert daemon.request("GET", "/")[0] == 200
        maps = Path(f"/proc/{daemon.pid}/maps").read_text()
        loaded = {name for name in HEAVY if f"/site-packages/{name}/" in maps}
        assert loaded == set()
        assert "/site-packages/pyarrow/" in maps, "this is how a library would show"
        daemon.stop()
    assert list(home.iterdir()) == []
    _every_line_is_documented(daemon)


def test_a_front_that_was_just_started_has_loaded_nothing_that_its_first_prediction_does_without(
    config: Path, clients: Clients
) -> None:
    with running(config) as daemon:
        _learn(daemon, clients)
        daemon.stop()
    with running(config) as daemon:
        client = dict(zip(HEADER, clients.unlabelled(1)[0], strict=True))
        client = {name: int(value) if value.isdigit() else value for name, value in client.items() if value}
        assert len(daemon.post("/v1/prediction", {"clients": [client]})["probabilities"]) == 1
        daemon.wait_idle()
        for path in ("/v1/scoring", "/v1/models", "/v1/files", "/v1/decisions", "/v1/drift", "/openapi.json"):
            daemon.get(path)
        assert daemon.request("GET", "/metrics")[0] == 200
        maps = Path(f"/proc/{daemon.pid}/maps").read_text()
        assert {name for name in (*HEAVY, "pyarrow") if f"/site-packages/{name}/" in maps} == set()
        assert "/site-packages/numpy/" in maps, "this is how a library would show"
        daemon.stop()


def _every_line_is_documented(daemon: DaemonProcess) -> None:
    sections = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL))
    assert len({line["event"] for line in daemon.lines}) > 8
    for line in daemon.lines:
        documented = set(re.findall(r"`(\w+)`", sections[line["event"]]))
        undocumented = set(line) - documented - {"timestamp", "level", "event", "arrived"}
        assert not undocumented, f"{line['event']} has fields that its documentation does not name: {undocumented}"


# -- systemd -------------------------------------------------------------------------------------------------------


class ServiceManager:
    """Listens on a notification socket; ``told`` is what was said, and when."""

    def __init__(self, path: Path) -> None:
        self.told: list[tuple[float, dict[str, str]]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        while notice := self._socket.recv(4096):
            fields = dict(line.split("=", 1) for line in notice.decode().splitlines())
            self.told.append((time.monotonic(), fields))

    def hear(self, field: str, *, after: int = 0) -> tuple[int, dict[str, str]]:
        """The first notice with this field from number ``after`` on, and the number of the one behind it."""
        end = time.monotonic() + 30.0
        while time.monotonic() < end:
            for number, (_, fields) in enumerate(self.told[after:], start=after):
                if field in fields:
                    return number + 1, fields
            time.sleep(0.01)
        raise AssertionError(f"no {field} in {self.told[after:]}")

    def close(self, path: Path) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", str(path))
        self._listener.join()
        self._socket.close()


def test_the_service_manager_is_told_everything_it_asks_for(config: Path, clients: Clients, tmp_path: Path) -> None:
    path = tmp_path / "notify"
    manager = ServiceManager(path)
    try:
        with _environment(NOTIFY_SOCKET=str(path), WATCHDOG_USEC="1500000"), running(config) as daemon:
            ready, fields = manager.hear("READY")
            assert fields["STATUS"] == f"Serving on {daemon.url}"
            _learn(daemon, clients)
            trained = len(manager.told)
            assert "files waiting" in manager.hear("STATUS", after=trained)[1]["STATUS"]
            beats = [at for at, fields in manager.told[ready:] if "WATCHDOG" in fields]
            assert max(after - before for before, after in itertools.pairwise(beats)) < 1.5
            for text in (config.read_text(), "{"):
                seen = len(manager.told)
                config.write_text(text)
                daemon.signal(signal.SIGHUP)
                seen, fields = manager.hear("RELOADING", after=seen)
                assert int(fields["MONOTONIC_USEC"]) > 0
                manager.hear("READY", after=seen)
            told = [(line["accepted"], line["level"]) for line in daemon.events("config.reloaded")]
            assert told == [(True, "info"), (False, "warning")]
            daemon.signal(signal.SIGTERM)
            manager.hear("STOPPING")
            assert daemon.wait_end() == 0
    finally:
        manager.close(path)


# -- starting ------------------------------------------------------------------------------------------------------


def test_a_missing_source_folder_is_made_and_watched(config: Path, clients: Clients) -> None:
    (config.parent / "sourcedata").rmdir()
    with running(config) as daemon:
        daemon.wait_for("folder.watched")
        drop(daemon.root / "sourcedata", "first.csv", csv_text(clients.rows(10)))
        daemon.wait_file("first.csv", "ingested")
        daemon.stop()


def test_a_port_that_is_taken_is_said_in_a_sentence(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with _environment(ATTRITIOND__SERVER__PORT=str(port)):
            result = run_command(config, "run")
    assert result.returncode == 1
    assert f"127.0.0.1:{port} cannot be listened on" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_output_folder_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in ("/proc/attritiond", str(tmp_path / "file" / "below")):
        config = workspace(tmp_path / f"work{len(folder)}", logging={})
        config.write_text(json.dumps({**json.loads(config.read_text()), "output_folder_path": folder}))
        result = run_command(config, "run")
        assert result.returncode == 1
        assert f"{folder} cannot be used" in result.stderr or f"{Path(folder).parent} cannot be used" in result.stderr
        assert "Traceback" not in result.stderr


# -- stopping ------------------------------------------------------------------------------------------------------


def _catches_sigterm(pid: int) -> bool:
    caught = re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(), flags=re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) & 1 << (signal.SIGTERM - 1))


@pytest.mark.parametrize("pause", [0.0, 0.1, 0.25, 0.4])
def test_a_signal_while_it_starts_ends_it_well(config: Path, pause: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "daemon", "run", "--config", str(config)],
        cwd=PROJECT,
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    with process.stderr:
        while not _catches_sigterm(process.pid):
            time.sleep(0.001)
        time.sleep(pause)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert b"Traceback" not in process.stderr.read()


def test_a_signal_while_it_takes_files_ends_it_well(config: Path) -> None:
    _with_demonstration(config)
    with running(config) as daemon:
        daemon.wait_for("folder.watched")
        assert daemon.stop() < 5.0
        assert daemon.events("worker.died") == []


def test_a_signal_while_it_trains_ends_it_well_and_the_decision_is_taken_up_again(config: Path) -> None:
    _with_demonstration(config)
    with running(config) as daemon:
        daemon.wait_for("retrain.decided", where=lambda line: line["decision"] > 1 and line["train"])
        assert daemon.stop() < 3.0
        assert daemon.events("worker.died") == []
    with running(config) as daemon:
        daemon.wait_idle()

        def verdicts() -> list[str | None]:
            return [one["verdict"] for one in daemon.get("/v1/decisions")["items"]]

        daemon.until(lambda: None not in verdicts(), "every decision has ended")
        assert set(verdicts()) <= {"promoted", "kept"}
        daemon.stop()


def _with_demonstration(config: Path) -> None:
    for path in sorted((PROJECT / "sourcedata").glob("*.csv"))[:3]:
        shutil.copy(path, config.parent / "sourcedata")
    columns = {"id_column": "corporation", "target_column": "exited", "time_column": "month"}
    config.write_text(json.dumps({**json.loads(config.read_text()), "dataset": columns}))


# -- a broken machine ----------------------------------------------------------------------------------------------


def _limit_file_size(pids: list[int], size: int) -> None:
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_full_disk_is_told_is_not_held_against_the_files_and_heals_by_itself(config: Path, clients: Clients) -> None:
    if resource.getrlimit(resource.RLIMIT_FSIZE)[1] != resource.RLIM_INFINITY:
        pytest.skip("files are limited in size here")
    with running(config, expected=("task.failed",)) as daemon:
        _learn(daemon, clients)
        processes = [daemon.pid, int(daemon.worker("ingest") or 0)]
        _limit_file_size(processes, 4096)
        seen = len(daemon.lines)
        for number in range(20):
            drop(daemon.root / "sourcedata", f"more{number}.csv", csv_text(clients.rows(10)))
        told = daemon.until(lambda: _problems(daemon).get("ingestion"), "the full disk is told")
        assert re.search("File too large|disk I/O error|disk is full", told), told
        assert daemon.get("/v1/summarystats")["rows"] == 400
        assert len(daemon.get("/v1/calls", status=200)["items"]) == 0
        assert daemon.request("GET", "/livez")[0] == 200
        time.sleep(6.0)
        assert len(daemon.lines) - seen < 15, "the log is not flooded"
        _limit_file_size(processes, resource.RLIM_INFINITY)
        daemon.until(lambda: daemon.get("/v1/summarystats")["rows"] == 600, "it has healed")
        daemon.wait_idle()
        assert _problems(daemon) == {}
        assert {one["state"] for one in daemon.files().values()} == {"ingested"}
        daemon.stop()


def test_what_stands_in_a_refused_file_is_in_its_reason_and_not_in_the_log(config: Path, clients: Clients) -> None:
    cell = "a-cell-of-ours"
    refused = {
        "rows.csv": csv_text([(name, cell, *rest) for name, _, *rest in clients.rows(20)]),
        "short.csv": csv_text([(cell, "1"), *clients.rows(2)]),
        "labels.csv": csv_text([(*row[:-1], f"{cell}{number}") for number, row in enumerate(clients.rows(20))]),
        "no-header.csv": f"{cell},1,2,3,0\n{cell},4,5,6,1\n",
    }
    with running(config) as daemon:
        drop(daemon.root / "sourcedata", "first.csv", csv_text(clients.rows(60)))
        daemon.wait_file("first.csv", "ingested")
        for name, text in refused.items():
            drop(daemon.root / "sourcedata", name, text)
            daemon.wait_file(name, "quarantined", "ingested")
        reasons = {name: one["reason"] for name, one in daemon.files().items() if one["state"] == "quarantined"}
        assert reasons.keys() == refused.keys()
        assert all(cell in reason["detail"] for reason in reasons.values())
        daemon.wait_count("file.quarantined", len(refused))
        daemon.stop()
    assert cell not in json.dumps(daemon.lines)


def test_a_release_that_cannot_be_read_stops_no_file(config: Path, clients: Clients) -> None:
    with running(config) as daemon:
        _learn(daemon, clients)
        daemon.wait_for("report.written")
        daemon.stop()
    scorecard = config.parent / "production_deployment" / "releases" / "1" / "scorecard.json"
    kept = scorecard.read_bytes()
    scorecard.write_bytes(kept + b" ")
    with running(config, expected=("task.failed",)) as daemon:
        assert "scorecard.json" in daemon.wait_for("release.refused")["detail"]
        drop(daemon.root / "sourcedata", "second.csv", csv_text(clients.unlabelled(10)))
        daemon.wait_file("second.csv", "waiting")
        problems = _problems(daemon)
        assert "scorecard.json" in problems["model"]
        scorecard.write_bytes(kept)
        daemon.wait_file("second.csv", "scored")
        daemon.until(lambda: daemon.request("GET", "/readyz")[0] == 200, "it serves again")
        assert len(daemon.events("release.refused")) == 1
        daemon.stop()


def test_a_release_that_is_changed_while_it_is_served_is_told_and_answered_from_memory(
    config: Path, clients: Clients
) -> None:
    with running(config) as daemon:
        _learn(daemon, clients)
        daemon.wait_for("report.written")
        daemon.wait_settled()
        body = whole(clients.unlabelled(3))
        answers = daemon.post("/prediction", body)
        scorecard = config.parent / "production_deployment" / "releases" / "1" / "scorecard.json"
        kept = scorecard.read_bytes()
        scorecard.write_bytes(kept + b" ")
        damaged = daemon.wait_for("release.damaged")
        assert damaged["level"] == "error"
        assert "scorecard.json is not the file that the manifest names. Model 1 is answered from" in damaged["detail"]
        status, said = daemon.request("GET", "/readyz")
        assert (status, json.loads(said)["warnings"]) == (200, {"release": damaged["detail"]})
        assert daemon.post("/prediction", body) == answers
        scorecard.write_bytes(kept)
        daemon.until(lambda: json.loads(daemon.request("GET", "/readyz")[1])["warnings"] == {}, "it is as it was")
        assert len(daemon.events("release.damaged")) == 1
        daemon.stop()


def test_a_model_worker_killed_at_any_moment_leaves_the_front_with_the_model_of_the_ledger(
    config: Path, clients: Clients
) -> None:
    with running(config) as daemon:
        source, chance = daemon.root / "sourcedata", random.Random(1)  # noqa: S311 - no secret
        for number in range(6):
            drop(source, f"{number}.csv", csv_text(clients.rows(60)))
            pid: Any = daemon.until(lambda: daemon.worker("model"), "a model worker has been started")
            time.sleep(chance.uniform(0.0, 1.2))
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            daemon.wait_idle()
        current = [one["version"] for one in daemon.get("/v1/models")["items"] if one["state"] == "current"]
        assert [daemon.get("/v1/scoring")["model_version"]] == current
        link = daemon.root / "production_deployment" / "current"
        assert int(link.resolve().name) == current[0]
        assert daemon.get("/v1/summarystats")["rows"] == 360
        daemon.stop()
