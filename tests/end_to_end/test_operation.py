"""Running it: signals, a second daemon, a changed configuration, a folder that goes, a tampered release."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

from tests.end_to_end import books
from tests.end_to_end.daemon_process import DaemonProcess, run_command, running
from tests.end_to_end.drops import FIVE_KEYS, Clients, csv_text, drop, workspace


def _learn(daemon: DaemonProcess, clients: Clients) -> None:
    drop(daemon.root / "sourcedata", "first.csv", csv_text(clients.rows(400)))
    daemon.wait_for("model.promoted")
    daemon.until(lambda: daemon.request("GET", "/readyz")[0] == 200, "it is ready")


def test_a_reload_takes_a_good_configuration_and_refuses_a_bad_one(folder: Path, clients: Clients) -> None:
    config = workspace(folder)
    with running(config) as daemon:
        _learn(daemon, clients)
        config.write_text(json.dumps({**FIVE_KEYS, "drift": {"policy": "never"}}))
        daemon.signal(signal.SIGHUP)
        taken = daemon.wait_for("config.reloaded")
        assert taken["accepted"] is True
        assert taken["changed"] == ["drift"]
        seen = len(daemon.lines)
        config.write_text(json.dumps({**FIVE_KEYS, "drift": {"polcy": "always"}}))
        daemon.signal(signal.SIGHUP)
        refused = daemon.wait_for("config.reloaded", after=seen)
        assert refused["accepted"] is False
        assert "'policy'" in refused["detail"], "it names the nearest known key"
        daemon.wait_idle()
        drop(folder / "sourcedata", "second.csv", csv_text(clients.rows(900)))
        second = daemon.until(lambda: _decided_on(daemon, "second.csv"), "second.csv is decided on")
        assert (second["policy"], second["verdict"]) == ("never", "kept"), "the good one is in force"
        daemon.stop()


def _decided_on(daemon: DaemonProcess, name: str) -> dict[str, Any] | None:
    """The decision on a file, once it has ended; the newest may be the challenge of a first model, which goes on."""
    ended = (one for one in daemon.get("/v1/decisions")["items"] if one["record"] is not None)
    return next((one for one in ended if name in one["record"]["files"]), None)


def test_a_second_daemon_is_kept_out_and_told_by_whom(folder: Path) -> None:
    config = workspace(folder)
    with running(config) as daemon:
        second = run_command(config, "run")
        assert second.returncode == 75
        assert str(daemon.pid) in second.stderr
        daemon.stop()


def test_another_id_column_over_the_same_data_is_a_configuration_error(folder: Path, clients: Clients) -> None:
    config = workspace(folder)
    with running(config) as daemon:
        _learn(daemon, clients)
        daemon.stop()
    config.write_text(json.dumps({**FIVE_KEYS, "dataset": {"id_column": "number_of_employees"}}))
    refused = run_command(config, "run")
    assert refused.returncode == 78
    assert "id_column" in refused.stderr
    assert "corporation" in refused.stderr
    config.write_text(json.dumps({**FIVE_KEYS, "datset": {}}))
    assert run_command(config, "run").returncode == 78


def test_a_source_folder_that_went_away_is_told_and_taken_up_again(folder: Path, clients: Clients) -> None:
    with running(workspace(folder)) as daemon:
        _learn(daemon, clients)
        source = folder / "sourcedata"
        source.rename(folder / "elsewhere")
        daemon.until(lambda: daemon.request("GET", "/readyz")[0] == 503, "it is not ready")
        assert "source_folder" in daemon.get("/readyz", status=503)["problems"]
        assert daemon.get("/v1/summarystats")["rows"] == 400, "it answers all the same"
        source.mkdir()
        drop(source, "second.csv", csv_text(clients.rows(10)))
        daemon.wait_file("second.csv", "ingested")
        daemon.until(lambda: daemon.request("GET", "/readyz")[0] == 200, "it is ready again")
        daemon.stop()


def test_a_release_that_was_tampered_with_is_not_deployed_and_the_champion_stays(
    folder: Path, clients: Clients
) -> None:
    with running(workspace(folder, drift={"policy": "always"})) as daemon:
        _learn(daemon, clients)
        daemon.wait_idle()
        version = daemon.get("/scoring")["model_version"]
        seen = len(daemon.lines)
        drop(folder / "sourcedata", "second.csv", csv_text(clients.rows(100)))
        daemon.wait_for("model.promoted", after=seen)
        daemon.wait_idle()
        newest = daemon.get("/scoring")["model_version"]
        assert newest > version
        daemon.wait_for("report.written", where=lambda line: line["model_version"] == newest)
        _change_a_byte(folder / "production_deployment" / "releases" / str(version) / "scorecard.json")
        problem = daemon.post("/v1/rollback", {}, status=409)
        assert "scorecard.json" in problem["detail"]
        assert daemon.get("/scoring")["model_version"] == newest
        assert books.fact(folder, "current_model") == newest
        assert (folder / "production_deployment" / "current").readlink().name == str(newest)
        daemon.stop()


def test_a_current_release_that_was_tampered_with_is_refused_at_the_start_until_it_is_put_right(
    folder: Path, clients: Clients
) -> None:
    config = workspace(folder)
    body = whole(clients.unlabelled(3))
    with running(config) as daemon:
        _learn(daemon, clients)
        daemon.wait_settled()
        daemon.wait_for("report.written")
        version = books.fact(folder, "current_model")
        release = folder / "production_deployment" / "releases" / str(version)
        shutil.copy(release / "scorecard.json", folder)
        _change_a_byte(release / "scorecard.json")
        assert daemon.post("/prediction", body)["model_version"] == version, "what is in memory stays"
        daemon.stop()
    with running(config, expected=("task.failed",)) as daemon:
        problem = daemon.until(lambda: problems_of(daemon).get("model"), "it says what is wrong with the model")
        assert "scorecard.json" in problem
        assert daemon.post("/prediction", body, status=503)["status"] == 503
        assert daemon.request("GET", "/livez")[0] == 200
        drop(folder / "sourcedata", "second.csv", csv_text(clients.rows(10)))
        daemon.wait_file("second.csv", "ingested")
        shutil.copy(folder / "scorecard.json", release)
        assert daemon.post(f"/v1/models/{version}/deploy", {})["model_version"] == version
        assert daemon.post("/prediction", body)["model_version"] == version
        daemon.wait_idle()
        assert daemon.get("/v1/decisions")["items"][0]["verdict"] == "kept", "the rows that came meanwhile count"
        daemon.stop()


def whole(rows: list[tuple[str, ...]]) -> dict[str, object]:
    names = ("corporation", "lastmonth_activity", "lastyear_activity", "number_of_employees")
    return {
        "clients": [
            {name: value if name == "corporation" else int(value) for name, value in zip(names, row, strict=False)}
            for row in rows
        ]
    }


def problems_of(daemon: DaemonProcess) -> dict[str, str]:
    problems: dict[str, str] = json.loads(daemon.request("GET", "/readyz")[1])["problems"]
    return problems


def _change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    place = content.index(b"0")
    content[place] = ord("1")
    path.write_bytes(bytes(content))
