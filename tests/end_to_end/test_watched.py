"""Watched from outside: what is scraped, what the alerts and the dashboard ask for, and what /readyz notices."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.end_to_end.daemon_process import PROJECT, DaemonProcess, running
from tests.end_to_end.drops import Clients, chance, csv_text, drop, workspace
from tests.end_to_end.scrapes import METRIC, Scrape, scrape, unknown_in

MONITORING = PROJECT / "docs" / "monitoring"
RULES = MONITORING / "attritiond.rules.yml"
DASHBOARD = MONITORING / "attritiond.dashboard.json"
CLIENT = dict.fromkeys(("lastmonth_activity", "lastyear_activity", "number_of_employees"), 3)
ALERTS = {
    *("AttritiondGone", "AttritiondNotReady", "AttritiondNoDrop", "AttritiondModelWorse", "AttritiondWorkerDied"),
    *("AttritiondErrors", "AttritiondSlow", "AttritiondLoopLag", "AttritiondDiskFills", "AttritiondFileRefused"),
    *("AttritiondFilesWait", "AttritiondLedgerUnreadable", "AttritiondReleaseDamaged"),
}


def _readyz(daemon: DaemonProcess) -> tuple[int, dict[str, Any]]:
    status, body = daemon.request("GET", "/readyz")
    return status, json.loads(body)


def _learn(daemon: DaemonProcess, clients: Clients) -> None:
    drop(daemon.root / "sourcedata", "first.csv", csv_text(clients.rows(400)))
    daemon.wait_for("model.promoted")
    daemon.until(lambda: _readyz(daemon)[0] == 200, "it is ready")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Scrape:
    """A scrape of a daemon that has seen requests of all kinds, files with every usual outcome, and decisions."""
    clients = Clients(chance(7))
    config = workspace(tmp_path_factory.mktemp("watched") / "work", ingestion={"expect_every": "31 days"})
    with running(config) as daemon:
        source = daemon.root / "sourcedata"
        daemon.get("/v1/scoring", status=503)
        _learn(daemon, clients)
        daemon.wait_settled()  # so that the model that is judged by the second file is always the same
        drop(source, "second.csv", csv_text(clients.rows(400)))
        daemon.wait_file("second.csv", "ingested")
        drop(source, "third.csv", csv_text(clients.unlabelled(60)))
        daemon.wait_file("third.csv", "scored")
        drop(source, "broken.csv", 'a,b\n"1,2\n')
        daemon.wait_file("broken.csv", "quarantined")
        daemon.wait_settled()
        daemon.wait_for("report.written")
        for path in ("/v1/prediction", "/prediction"):
            daemon.post(path, {"clients": [CLIENT, CLIENT]})
        daemon.post("/v1/prediction", {"clients": [{}]}, status=422)
        daemon.get("/nothing", status=404)
        daemon.get("/v1/calls")
        found = scrape(daemon)
        daemon.stop()
    return found


def test_a_scrape_tells_what_has_happened(seen: Scrape) -> None:
    prediction = {"method": "POST", "route": "/v1/prediction"}
    assert seen.value("attritiond_http_requests_total", **prediction, status="200") == 1
    assert seen.value("attritiond_http_requests_total", **prediction, status="422") == 1
    assert seen.value("attritiond_http_requests_total", method="GET", route="unmatched", status="404") == 1
    assert seen.value("attritiond_http_request_seconds_count", **prediction) == 2
    assert seen.value("attritiond_predicted_rows_total") == 4
    outcomes = {"ingested": 2.0, "scored": 1.0, "quarantined": 1.0, "held": 0.0}
    assert {one: seen.value("attritiond_drops_total", outcome=one) for one in outcomes} == outcomes
    assert seen.value("attritiond_rows_ingested_total") == 860
    assert seen.value("attritiond_step_seconds_count", step="ingestion") == 4
    assert seen.value("attritiond_step_seconds_sum", step="training") > 0
    assert seen.total("attritiond_decisions_total") >= 2
    assert seen.value("attritiond_drift_psi", rows="labelled", column="lastmonth_activity") >= 0
    assert seen.value("attritiond_drift_psi", rows="unlabelled", column="lastmonth_activity") >= 0
    assert 0 < seen.value("attritiond_last_drop_age_seconds") < 60
    assert seen.value("attritiond_drop_expected_every_seconds") == 31 * 86_400
    assert seen.value("attritiond_loop_lag_seconds_count") > 3
    assert seen.value("attritiond_heartbeat_age_seconds") < 5
    assert seen.value("attritiond_ready") == 1
    assert seen.total("attritiond_problem") == seen.total("attritiond_warning") == 0
    assert seen.value("process_resident_memory_bytes") > 10_000_000


def test_nothing_of_a_client_or_a_file_is_in_a_label(seen: Scrape) -> None:
    values = {value for _, labels, _ in seen.samples for value in labels.values()}
    assert [value for value in values if re.search(r"client-|\.csv|first|second|third|broken|nothing", value)] == []


def test_names_have_base_units_and_counters_end_with_total(seen: Scrape) -> None:
    for name, kind in seen.types.items():
        assert name.endswith("_total") == (kind == "counter"), name
        assert not re.search(r"_(ms|millis|milliseconds|minutes|hours|days|kb|mb|percent)(_|$)", name), name


def test_the_documentation_lists_every_metric_with_its_type_and_labels_and_no_other(seen: Scrape) -> None:
    page = (PROJECT / "docs" / "operations.md").read_text().partition("## Watching it")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `((?:attritiond|process)_\w+)` \| (\w+) \| (.*?) ?\| .+ \|$", page, flags=re.MULTILINE)
    documented = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert len(rows) == len(documented)
    assert documented == {name: (seen.types[name], seen.labels[name]) for name in seen.types}


def test_the_documentation_names_no_metric_that_is_not_there(seen: Scrape) -> None:
    known = seen.names | set(seen.types)
    for page in (*(PROJECT / "docs").rglob("*.md"), PROJECT / "README.md"):
        assert set(METRIC.findall(page.read_text())) <= known, page.name


def test_every_alert_asks_for_what_is_there_and_is_documented(seen: Scrape) -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    assert {rule["alert"] for rule in rules} == ALERTS
    page = (PROJECT / "docs" / "operations.md").read_text()
    assert set(re.findall(r"^\| `(Attritiond\w+)` \|", page, flags=re.MULTILINE)) == ALERTS
    for rule in rules:
        assert METRIC.findall(rule["expr"]), rule["alert"]
        assert list(unknown_in(rule["expr"], seen)) == [], rule["alert"]
        assert _is_balanced(rule["expr"])
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "description"}
        for label in re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())):
            assert label in {one for name in METRIC.findall(rule["expr"]) for one in seen.labels[name]}


def test_every_panel_asks_for_what_is_there(seen: Scrape) -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    asked: set[str] = set()
    for panel in panels:
        for target in panel["targets"]:
            assert METRIC.findall(target["expr"]), panel["title"]
            assert list(unknown_in(target["expr"], seen)) == [], panel["title"]
            assert _is_balanced(target["expr"])
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                assert any(label in labels for _, labels, _ in seen.samples), panel["title"]
            asked |= set(METRIC.findall(target["expr"]))
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            assert set(METRIC.findall(variable["query"]["query"])) <= seen.names
    shown = {name for name in seen.types if any(one.startswith(name) for one in asked)}
    assert len(shown) > len(seen.types) * 0.8, "the dashboard shows most of what is measured"


def test_what_is_asked_for_and_not_there_is_noticed(seen: Scrape) -> None:
    """The comparison itself can fail."""
    assert list(unknown_in("rate(attritiond_gone_total[5m])", seen)) == ["attritiond_gone_total"]
    assert list(unknown_in('attritiond_problem{check="disc"} == 1', seen)) == ["attritiond_problem{check=disc}"]
    assert list(unknown_in("sum by (path) (attritiond_http_requests_total)", seen)) == ["path"]


def _is_balanced(expression: str) -> bool:
    depth = 0
    for letter in re.sub(r'"(?:[^"\\]|\\.)*"', "", expression):
        depth += (letter in "([{") - (letter in ")]}")
        if depth < 0:
            return False
    return depth == 0


# -- what /readyz notices ------------------------------------------------------------------------------------------


def test_a_drop_that_does_not_come_is_a_warning_on_every_channel_until_the_next_one(
    folder: Path, clients: Clients
) -> None:
    with running(workspace(folder, ingestion={"expect_every": "5 seconds"})) as daemon:
        _learn(daemon, clients)
        told = daemon.wait_for("drop.late")
        assert told["expected_every_seconds"] == 5.0
        status, answer = _readyz(daemon)
        assert (status, answer["status"], answer["problems"]) == (200, "ready", {})
        assert re.match(
            r"The last drop came \d+ seconds ago, expected is one every 5 sec", answer["warnings"]["freshness"]
        )
        assert b"<b>freshness</b> The last drop came" in daemon.request("GET", "/")[1]
        found = scrape(daemon)
        assert found.value("attritiond_warning", check="freshness") == found.value("attritiond_ready") == 1
        late = found.value("attritiond_last_drop_age_seconds")
        assert late > found.value("attritiond_drop_expected_every_seconds")
        time.sleep(1.0)
        assert len(daemon.events("drop.late")) == 1
        drop(daemon.root / "sourcedata", "second.csv", csv_text(clients.unlabelled(30)))
        daemon.until(lambda: _readyz(daemon)[1]["warnings"] == {}, "the warning is over")
        assert scrape(daemon).value("attritiond_last_drop_age_seconds") < late
        daemon.stop()


def test_little_room_on_the_disk_is_told_with_the_bytes_that_are_left_and_where(folder: Path) -> None:
    with running(workspace(folder, engine={"minimum_free_bytes": 10**16})) as daemon:
        told = daemon.until(lambda: _readyz(daemon)[1]["problems"].get("disk"), "it is told")
        free = int(scrape(daemon).value("attritiond_disk_free_bytes", folder="output"))
        left = int(re.findall(r"([\d,]+) bytes are left", told)[0].replace(",", ""))
        assert abs(left - free) < 10**9
        assert str(folder) in told
        assert "wanted are 10,000,000,000,000,000 (engine.minimum_free_bytes)" in told
        daemon.stop()


def test_a_ledger_that_went_away_is_told_within_seconds_and_heals(folder: Path, clients: Clients) -> None:
    with running(workspace(folder), expected=("task.failed",)) as daemon:
        _learn(daemon, clients)
        daemon.wait_settled()
        daemon.wait_for("report.written")
        (folder / "ingesteddata").rename(folder / "elsewhere")
        told = daemon.until(lambda: _readyz(daemon)[1]["problems"].get("ledger"), "it is told", seconds=20.0)
        assert "cannot be written: No such file or directory" in told
        assert scrape(daemon).value("attritiond_ready") == 0
        assert daemon.post("/v1/prediction", {"clients": [CLIENT]})["model_version"] == 1, "requests are answered"
        (folder / "elsewhere").rename(folder / "ingesteddata")
        daemon.until(lambda: "ledger" not in _readyz(daemon)[1]["problems"], "it has healed", seconds=20.0)
        daemon.stop()


def test_readyz_answers_at_once_while_the_ledger_is_locked(folder: Path, clients: Clients) -> None:
    with running(workspace(folder)) as daemon:
        _learn(daemon, clients)
        daemon.wait_settled()
        other = sqlite3.connect(folder / "ingesteddata" / "ledger.sqlite3", isolation_level=None)
        with contextlib.closing(other):
            other.execute("BEGIN IMMEDIATE")
            drop(folder / "sourcedata", "second.csv", csv_text(clients.unlabelled(30)))
            daemon.until(lambda: _readyz(daemon)[1]["waiting"] == 1, "the file waits for the ledger")
            slowest = max(_seconds(daemon, "/readyz") for _ in range(200))
            assert slowest < 1.0
            assert _seconds(daemon, "/metrics") < 5.0
        daemon.wait_file("second.csv", "scored")
        daemon.stop()


def _seconds(daemon: DaemonProcess, path: str) -> float:
    began = time.monotonic()
    assert daemon.request("GET", path)[0] == 200
    return time.monotonic() - began


@contextlib.contextmanager
def _small_disk(where: Path) -> Iterator[Path]:
    """A file system of its own, of 24 MB."""
    where.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(where)],  # noqa: S607 - any mount
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("no file system may be mounted here")
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", str(where)], check=False)  # noqa: S607 - any umount


def _make_read_only(folder: Path) -> None:
    """Whoever opens something in the folder from now on may only read, as after an error of the disk."""
    for options in (["--bind", str(folder)], ["-o", "remount,bind,ro"]):
        subprocess.run(["mount", *options, str(folder)], check=True)  # noqa: S607 - any mount


@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount here")
def test_a_disk_that_is_full_or_can_only_be_read_is_noticed_before_a_file_comes_and_heals(
    folder: Path, clients: Clients
) -> None:
    with _small_disk(folder), running(_configured(folder), expected=("task.failed",)) as daemon:
        _learn(daemon, clients)
        daemon.wait_settled()
        filler = folder / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        told = daemon.until(lambda: _readyz(daemon)[1]["problems"].get("ledger"), "the full disk is told", seconds=20.0)
        assert "cannot be written: No space left on device" in told
        assert "disk" in _readyz(daemon)[1]["problems"]
        assert daemon.post("/v1/prediction", {"clients": [CLIENT]})["model_version"] == 1
        filler.unlink()
        daemon.until(lambda: _readyz(daemon)[0] == 200, "there is room again", seconds=20.0)
        _make_read_only(folder / "ingesteddata")
        told = daemon.until(lambda: _readyz(daemon)[1]["problems"].get("ledger"), "it is told", seconds=20.0)
        assert "cannot be written: Read-only file system" in told
        subprocess.run(["umount", str(folder / "ingesteddata")], check=True)  # noqa: S607 - any umount
        daemon.until(lambda: _readyz(daemon)[0] == 200, "it can be written again", seconds=20.0)
        daemon.stop()


def _configured(folder: Path) -> Path:
    return workspace(folder, engine={"minimum_free_bytes": 1024**2})


def test_a_killed_worker_is_counted_and_does_not_make_the_daemon_unready(folder: Path, clients: Clients) -> None:
    with running(workspace(folder)) as daemon:
        _learn(daemon, clients)
        daemon.wait_settled()
        os.kill(int(daemon.worker("ingest") or 0), signal.SIGKILL)
        drop(folder / "sourcedata", "second.csv", csv_text(clients.unlabelled(30)))
        daemon.wait_file("second.csv", "scored")
        assert scrape(daemon).value("attritiond_worker_deaths_total", worker="ingest") == 1
        assert _readyz(daemon)[0] == 200
        daemon.stop()


def test_an_idle_worker_that_is_killed_is_told_and_there_again_before_the_next_file(folder: Path) -> None:
    with running(workspace(folder)) as daemon:
        daemon.wait_for("folder.watched")
        pid = int(daemon.worker("ingest") or 0)
        os.kill(pid, signal.SIGKILL)
        died = daemon.wait_for("worker.died")
        assert (died["worker"], died["pid"], died["exit"]) == ("ingest", pid, "SIGKILL")
        assert daemon.wait_count("worker.started", 2)["pid"] != pid
        scraped = scrape(daemon)
        assert scraped.value("attritiond_worker_deaths_total", worker="ingest") == 1
        assert scraped.value("attritiond_worker_running", worker="ingest") == 1
        assert "workers" not in _readyz(daemon)[1]["problems"]
        daemon.stop()


def test_a_worker_that_does_not_answer_is_told_and_then_ended(folder: Path, clients: Clients) -> None:
    with running(workspace(folder, engine={"worker_timeout_seconds": 12})) as daemon:
        daemon.wait_for("folder.watched")
        os.kill(int(daemon.worker("ingest") or 0), signal.SIGSTOP)
        drop(folder / "sourcedata", "second.csv", csv_text(clients.unlabelled(30)))
        told = daemon.until(lambda: _readyz(daemon)[1]["problems"].get("workers"), "it is told")
        assert "The ingest worker has said nothing for" in told
        daemon.wait_file("second.csv", "waiting")
        assert "workers" not in _readyz(daemon)[1]["problems"]
        daemon.stop()


def test_a_front_that_was_stopped_says_of_itself_how_late_its_loop_was(folder: Path) -> None:
    with running(workspace(folder)) as daemon:
        daemon.wait_for("folder.watched")
        daemon.signal(signal.SIGSTOP)
        time.sleep(2.0)
        daemon.signal(signal.SIGCONT)

        def late() -> float:
            found = scrape(daemon)
            up_to = found.value("attritiond_loop_lag_seconds_bucket", le="1.0")
            return found.value("attritiond_loop_lag_seconds_count") - up_to

        assert daemon.until(late, "the lag is counted") == 1
        assert daemon.request("GET", "/livez") == (200, b'{"status":"alive"}')
        daemon.stop()
