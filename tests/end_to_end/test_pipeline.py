"""A model without a scorecard is served by a process of its own: killed, swapped and stopped, and hardly noticed."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.daemon_process import DaemonProcess, running
from tests.end_to_end.drops import Clients, csv_text, drop, workspace

FOREST = "sklearn.ensemble.RandomForestClassifier(n_estimators=5, max_depth=4)"
ASKED = {
    "clients": [
        {"lastmonth_activity": 12, "lastyear_activity": 900, "number_of_employees": 40},
        {"lastmonth_activity": None, "lastyear_activity": 1100, "number_of_employees": 7},
    ]
}
JSON = {"Content-Type": "application/json"}

pytestmark = pytest.mark.timeout(300)  # a model that learns at the lowest priority while somebody asks all the while


class Asking:
    """Somebody who asks for a prediction all the while: every answer, its status before it."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, Any]]] = []

    @property
    def statuses(self) -> Counter[int]:
        return Counter(status for status, _ in self.answers)

    @property
    def said(self) -> dict[int, set[tuple[float, ...]]]:
        """By model, the different answers that it gave."""
        found: dict[int, set[tuple[float, ...]]] = {}
        for status, answer in self.answers:
            if status == 200:
                found.setdefault(answer["model_version"], set()).add(tuple(answer["probabilities"]))
        return found


@contextmanager
def asking(daemon: DaemonProcess) -> Iterator[Asking]:
    asked, stop = Asking(), threading.Event()

    def ask() -> None:
        while not stop.is_set():
            status, body = daemon.request("POST", "/v1/prediction", json.dumps(ASKED).encode(), JSON)
            asked.answers.append((status, json.loads(body)))
            time.sleep(0.02)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def config(folder: Path) -> Path:
    training = {"estimators": [FOREST], "minimum_rows": 100, "folds": 2}
    return workspace(folder, training=training, drift={"policy": "always"}, server={"port": 0})


def serving(daemon: DaemonProcess, version: int) -> None:
    """Wait until this model answers."""

    def answers() -> bool:
        status, body = daemon.request("POST", "/v1/prediction", json.dumps(ASKED).encode(), JSON)
        return status == 200 and json.loads(body)["model_version"] == version

    daemon.until(answers, f"model {version} answers", seconds=150)


def test_a_forest_goes_from_drop_to_prediction_and_says_what_serves_it(
    config: Path, folder: Path, clients: Clients
) -> None:
    with running(config) as daemon:
        drop(folder / "sourcedata", "a.csv", csv_text(clients.rows(400)))
        serving(daemon, 1)
        daemon.wait_idle()
        ready = daemon.get("/readyz")
        assert (ready["status"], ready["form"]) == ("ready", "pipeline")
        answer = daemon.post("/v1/prediction?reasons=2", ASKED)
        assert answer["served_by"] == "pipeline"
        assert answer["reasons"] == [[], []]
        assert "There are no reasons" in answer["warnings"][-1]
        drop(folder / "sourcedata", "b.csv", csv_text(clients.unlabelled(50)))
        daemon.wait_file("b.csv", "scored")
        first = daemon.get("/v1/calls?limit=1")["items"][0]
        daemon.until((folder / "predictions" / "b.csv").exists, "it is answered")
        assert first["reasons"] == []
        maps = Path(f"/proc/{daemon.pid}/maps").read_text() + Path(f"/proc/{daemon.worker('ingest')}/maps").read_text()
        assert "sklearn" not in maps
        assert "sklearn" in Path(f"/proc/{daemon.worker('pipeline')}/maps").read_text()
        nice = [os.getpriority(os.PRIO_PROCESS, pid) for pid in (daemon.pid, daemon.worker("pipeline") or 0)]
        assert nice[0] == nice[1]
        daemon.stop()
    assert list((folder / "ingesteddata").glob("pipeline-*.sock")) == []


def test_a_process_that_is_killed_under_requests_is_started_again_and_says_the_same(
    config: Path, folder: Path, clients: Clients
) -> None:
    with running(config, expected=("worker.died",)) as daemon:
        drop(folder / "sourcedata", "a.csv", csv_text(clients.rows(400)))
        serving(daemon, 1)
        daemon.wait_idle()
        with asking(daemon) as asked:
            for death in (1, 2):
                daemon.until(lambda: asked.answers and asked.answers[-1][0] == 200, "it answers")
                os.kill(daemon.worker("pipeline") or 0, signal.SIGKILL)
                daemon.wait_count("worker.died", death)
                ready = daemon.until(lambda: _unready(daemon), "it says that it is not ready")
                assert "the pipeline of model 1 has ended" in ready["problems"]["model"]
                daemon.until(lambda: daemon.request("GET", "/readyz")[0] == 200, "it is ready again")
            serving(daemon, 1)
        assert set(asked.statuses) == {200, 503}
        refused = next(answer for status, answer in asked.answers if status == 503)
        assert refused["type"] == "urn:attritiond:problem:unavailable"
        assert "the process that holds model 1 is not there" in refused["detail"]
        assert [len(answers) for answers in asked.said.values()] == [1]
        assert daemon.get("/livez")["status"] == "alive"
        daemon.stop()


def _unready(daemon: DaemonProcess) -> dict[str, Any] | None:
    status, body = daemon.request("GET", "/readyz")
    found: dict[str, Any] = json.loads(body)
    return found if status == 503 and "model" in found["problems"] else None


def test_deployments_and_the_way_back_are_seen_by_nobody_who_asks(config: Path, folder: Path, clients: Clients) -> None:
    with running(config) as daemon:
        drop(folder / "sourcedata", "a.csv", csv_text(clients.rows(400)))
        serving(daemon, 1)
        with asking(daemon) as asked:
            drop(folder / "sourcedata", "b.csv", csv_text(clients.rows(300)))
            serving(daemon, 2)
            daemon.wait_idle()
            assert daemon.post("/v1/rollback", {})["model_version"] == 1
            serving(daemon, 1)
        assert set(asked.statuses) == {200}
        assert {version: len(answers) for version, answers in asked.said.items()} == {1: 1, 2: 1}
        daemon.stop()


def test_a_release_that_was_changed_is_not_opened_and_the_one_that_serves_stays(
    config: Path, folder: Path, clients: Clients
) -> None:
    with running(config) as daemon:
        for version, name in ((1, "a.csv"), (2, "b.csv")):
            drop(folder / "sourcedata", name, csv_text(clients.rows(300)))
            serving(daemon, version)
        daemon.wait_idle()
        model = folder / "production_deployment" / "releases" / "1" / "model.joblib"
        model.write_bytes(model.read_bytes()[:-1] + b"x")
        status, body = daemon.request("POST", "/v1/models/1/deploy")
        assert status == 409
        assert "model.joblib is not the file that the manifest names" in json.loads(body)["detail"]
        serving(daemon, 2)
        assert not [line for line in daemon.events("worker.started") if line["worker"] == "pipeline"][2:]
        daemon.stop()
