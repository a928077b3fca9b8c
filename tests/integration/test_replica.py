"""``attritiond serve`` as a process: it follows a folder, answers, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from handlers.storage import releases, signing
from tests.end_to_end.daemon_process import PROJECT, DaemonProcess, running
from tests.end_to_end.drops import Clients, chance, csv_text, drop, workspace
from tests.end_to_end.test_operation import whole
from tests.integration.small_releases import deploy, deployment_folder, write_release
from tests.unit.server.small_house import CLIENT

BODY = {"clients": [CLIENT]}


class ReplicaProcess(DaemonProcess):
    """``python -m daemon serve ...``, with any free port."""

    def __init__(self, *arguments: object) -> None:
        self._given = arguments
        super().__init__(PROJECT / "config.json")

    def _arguments(self) -> tuple[str, ...]:
        return ("serve", *map(str, self._given), "--port", "0")

    @property
    def url(self) -> str:
        return str(self.wait_for("replica.ready")["url"])

    def version(self) -> int:
        return int(self.post("/v1/prediction", BODY)["model_version"])

    def readiness(self) -> tuple[int, dict[str, Any]]:
        status, body = self.request("GET", "/readyz")
        return status, json.loads(body)

    def warning(self) -> str | None:
        found: str | None = self.readiness()[1]["warnings"].get("model")
        return found


@contextlib.contextmanager
def serving(folder: Path, key: Path) -> Iterator[ReplicaProcess]:
    with replica_of(folder, "--key", key) as process:
        yield process


@contextlib.contextmanager
def replica_of(*arguments: object) -> Iterator[ReplicaProcess]:
    process = ReplicaProcess(*arguments)
    try:
        process.wait_for("replica.ready")
        yield process
    finally:
        process.kill()


@pytest.fixture
def production(tmp_path: Path) -> Path:
    return deployment_folder(tmp_path)


@pytest.fixture
def key(tmp_path: Path, production: Path) -> Path:
    """The public key alone, elsewhere than the private one."""
    path = tmp_path / "elsewhere" / "release.pub"
    path.parent.mkdir()
    (tmp_path / "keys" / "release.pub").rename(path)
    (tmp_path / "keys" / "release.pub").symlink_to(path)
    return path


def _tree(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(one): (one.lstat().st_mtime_ns, one.lstat().st_size) for one in (folder, *folder.rglob("*"))}


def test_it_answers_what_a_replica_has_and_says_of_all_else_that_the_daemon_has_it(production: Path, key: Path) -> None:
    deploy(production, 7)
    with serving(production, key) as replica:
        assert replica.version() == 7
        assert replica.post("/prediction", BODY)["model_version"] == 7
        scoring = replica.get("/v1/scoring")
        assert (scoring["model_version"], scoring["prequential"], scoring["history"]) == (7, None, [])
        well = {"status": "ready", "problems": {}, "warnings": {}, "waiting": 0, "undecided": 0, "form": "scorecard"}
        assert replica.readiness() == (200, well)
        assert replica.get("/livez") == {"status": "alive"}
        assert b"attritiond_model_version 7.0" in replica.request("GET", "/metrics")[1]
        validate(replica.get("/openapi.json"))
        described = {path for path in replica.get("/openapi.json")["paths"] if path != "/metrics"}
        assert described == {
            "/v1/prediction",
            "/prediction",
            "/v1/scoring",
            "/scoring",
            "/livez",
            "/readyz",
            "/openapi.json",
        }
        for method, path in (("GET", "/v1/files"), ("GET", "/"), ("POST", "/v1/rollback"), ("GET", "/v1/models/7")):
            status, body = replica.request(method, path)
            assert status == 404
            assert "ask the daemon" in json.loads(body)["detail"]
        named = replica.post("/v1/prediction", {"dataset_path": "testdata/testdata.csv"}, status=422)
        assert "no folders" in named["detail"]
        assert replica.stop() < 5.0


def test_it_writes_nothing_anywhere(production: Path, key: Path, tmp_path: Path) -> None:
    deploy(production, 1)
    before = _tree(tmp_path)
    with serving(production, key) as replica:
        assert replica.version() == 1
        opened = [os.readlink(one) for one in Path(f"/proc/{replica.pid}/fd").iterdir()]  # noqa: PTH115 - as text
        replica.stop()
    assert not [path for path in opened if path.startswith(str(tmp_path))], "nothing is held open"
    assert _tree(tmp_path) == before
    told = [line["event"] for line in replica.lines if line["event"] != "request.served"]  # one that was slow is told
    assert told == ["release.served", "replica.ready", "replica.stopping", "replica.stopped"]


def test_a_deployment_is_followed_while_requests_run_and_every_answer_is_of_one_release(
    production: Path, key: Path
) -> None:
    deploy(production, 1)
    with serving(production, key) as replica:
        answers: list[tuple[int, float]] = []
        done = threading.Event()

        def ask() -> None:
            while not done.is_set():
                said = replica.post("/v1/prediction", BODY)
                answers.append((said["model_version"], said["threshold"]))

        asking = [threading.Thread(target=ask) for _ in range(3)]
        for one in asking:
            one.start()
        try:
            for version in (2, 3, 2):
                deploy(production, version)
                replica.until(lambda wanted=version: replica.version() == wanted, "it follows")
        finally:
            done.set()
            for one in asking:
                one.join()
        assert {version for version, _ in answers} == {1, 2, 3}
        assert all(threshold == version / 100 for version, threshold in answers)
        replica.stop()
        assert [line["model_version"] for line in replica.events("release.served")] == [1, 2, 3, 2]


@pytest.mark.parametrize("how", ["a byte", "another key", "other answers", "a link out of the folder"])
def test_what_cannot_be_trusted_is_never_served_is_said_once_and_heals(
    production: Path, key: Path, tmp_path: Path, how: str
) -> None:
    deploy(production, 1)
    with serving(production, key) as replica:
        release = write_release(production, 2, golden=0.5 if how == "other answers" else 0.0)
        if how == "a byte":
            content = (release / "model.joblib").read_bytes()
            (release / "model.joblib").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        elif how == "another key":
            signing.make_keys(tmp_path / "other")
            forged = signing.sign(tmp_path / "other", (release / "manifest.json").read_bytes())
            (release / "manifest.sig").write_bytes(forged)
        if how == "a link out of the folder":
            (production / "current").unlink()
            (production / "current").symlink_to("../elsewhere")
        else:
            releases.link(production, current=2, previous=1)
        replica.until(replica.warning, "it says what is wrong")
        status, document = replica.readiness()
        assert status == 200, "it answers as well as before"
        assert document["warnings"]["model"].endswith("Model 1 is served meanwhile.")
        assert b'attritiond_warning{check="model"} 1.0' in replica.request("GET", "/metrics")[1]
        assert replica.version() == 1
        (refused,) = replica.events("release.refused")
        assert refused["serving"] == 1
        deploy(production, 2)
        replica.until(lambda: replica.version() == 2, "it heals")
        assert replica.warning() is None
        replica.stop()


def test_one_that_is_started_while_the_current_release_is_broken_serves_the_newest_good_one(
    production: Path, key: Path
) -> None:
    for version in (1, 2, 3):
        deploy(production, version)
    for version in (2, 3):
        path = production / "releases" / str(version) / "scorecard.json"
        kept = path.read_bytes()
        path.write_bytes(kept + b" ")
    with serving(production, key) as replica:
        assert replica.version() == 1
        status, document = replica.readiness()
        assert (status, list(document["warnings"])) == (200, ["model"])
        assert document["warnings"]["model"].endswith("Model 1 is served meanwhile.")
        assert replica.wait_for("release.refused")["serving"] == 1
        assert replica.wait_for("release.served")["model_version"] == 1
        path.write_bytes(kept)
        replica.until(lambda: replica.version() == 3, "it heals")
        replica.until(lambda: replica.warning() is None, "it says so")
        assert len(replica.events("release.refused")) == 1
        replica.stop()


def test_one_that_is_started_after_a_rollback_to_a_broken_release_serves_the_previous_one(
    production: Path, key: Path
) -> None:
    for version in (1, 2, 3):
        deploy(production, version)
    releases.link(production, current=2, previous=1)
    (production / "releases" / "2" / "scorecard.json").write_bytes(b"{}")
    with serving(production, key) as replica:
        assert replica.version() == 1
        replica.stop()


def test_a_release_that_is_changed_while_it_is_served_is_told_and_answered_from_memory(
    production: Path, key: Path
) -> None:
    deploy(production, 1)
    with serving(production, key) as replica:
        assert replica.version() == 1
        path = production / "releases" / "1" / "scorecard.json"
        kept = path.read_bytes()
        path.write_bytes(kept + b" ")
        damaged = replica.wait_for("release.damaged")["detail"]
        assert "scorecard.json is not the file that the manifest names. Model 1 is answered from memory" in damaged
        status, document = replica.readiness()
        assert (status, document["warnings"]) == (200, {"release": damaged})
        assert replica.version() == 1
        path.write_bytes(kept)
        replica.until(lambda: replica.readiness()[1]["warnings"] == {}, "it is as it was")
        assert len(replica.events("release.damaged")) == 1
        replica.stop()


def test_a_folder_that_vanishes_leaves_what_is_in_memory_and_is_followed_again(production: Path, key: Path) -> None:
    deploy(production, 1)
    with serving(production, key) as replica:
        away = production.rename(production.with_name("away"))
        replica.until(replica.warning, "it says what is wrong")
        assert "cannot be read" in str(replica.warning())
        assert replica.version() == 1
        deploy(away, 2)
        away.rename(production)
        replica.until(lambda: replica.version() == 2, "it follows again")
        assert replica.warning() is None
        replica.stop()


def test_before_the_first_release_it_waits_and_is_not_ready(tmp_path: Path, production: Path, key: Path) -> None:
    with serving(tmp_path / "not-there-yet", key) as replica:
        status, document = replica.readiness()
        assert (status, document["status"]) == (503, "unavailable")
        assert "not-there-yet cannot be read" in document["problems"]["model"]
        assert replica.post("/v1/prediction", BODY, status=503)["status"] == 503
        deploy(production, 5)
        production.rename(tmp_path / "not-there-yet")
        replica.until(lambda: replica.readiness()[0] == 200, "it is ready")
        assert replica.version() == 5
        replica.stop()


def test_many_replicas_follow_a_real_daemon_and_answer_as_it_does(tmp_path: Path) -> None:
    config = workspace(tmp_path / "work", drift={"policy": "always"}, training={"estimators": ["logistic"]})
    clients = Clients(chance(4))
    body = whole(clients.unlabelled(5))
    production, key = (
        tmp_path / "work" / "production_deployment",
        tmp_path / "work" / "ingesteddata" / "keys" / "release.pub",
    )
    with running(config) as daemon, contextlib.ExitStack() as stack:
        replicas = [stack.enter_context(serving(production, key)) for _ in range(2)]
        for number in (1, 2):
            seen = len(daemon.lines)
            drop(daemon.root / "sourcedata", f"{number}.csv", csv_text(clients.rows(400)))
            promoted = daemon.wait_for("model.promoted", after=seen)["model_version"]
            daemon.wait_settled()
            for replica in replicas:
                replica.wait_for("release.served", where=lambda line, wanted=promoted: line["model_version"] == wanted)
                assert replica.post("/v1/prediction", body) == daemon.post("/v1/prediction", body)
        back = daemon.post("/v1/rollback", {})["model_version"]
        for replica in replicas:
            replica.until(lambda one=replica: one.post("/v1/prediction", body)["model_version"] == back, "it follows")
            replica.stop()
        daemon.stop()


def _refused(*arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "daemon", "serve", *map(str, arguments)]
    return subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)


def test_a_key_that_is_missing_no_key_or_in_the_folder_itself_is_said_in_a_sentence(
    production: Path, key: Path, tmp_path: Path
) -> None:
    assert "--key" in _refused(production).stderr
    assert _refused(production).returncode == 2
    (production / "release.pub").write_bytes(key.read_bytes())
    inside = _refused(production, "--key", production / "release.pub")
    assert (inside.returncode, "can change both" in inside.stderr) == (2, True)
    absent = _refused(production, "--key", tmp_path / "absent.pub")
    assert (absent.returncode, "cannot be read" in absent.stderr) == (78, True)


def test_a_door_that_would_be_open_to_strangers_stays_shut(production: Path, key: Path) -> None:
    opened = _refused(production, "--key", key, "--host", "0.0.0.0")  # noqa: S104 - what is refused
    assert (opened.returncode, "--host" in opened.stderr) == (78, True)


def test_the_configuration_says_what_is_followed_where_the_tokens_are_and_where_it_listens(
    tmp_path: Path,
) -> None:
    config = workspace(tmp_path / "work", server={"tokens_file": "tokens.json"})
    production = tmp_path / "work" / "production_deployment"
    signing.make_keys(tmp_path / "work" / "ingesteddata" / "keys")
    line = [sys.executable, "-m", "daemon", "token", "add", "office", "--role", "predict", "--config", str(config)]
    token = subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    with replica_of("--config", config) as process:
        assert process.wait_for("replica.ready")["folder"] == str(production)
        status, document = process.readiness()
        assert (status, document["problems"]) == (503, {"model": "Ask with a token for the reason."})
        assert process.request("POST", "/v1/prediction", b"{}", {"Content-Type": "application/json"})[0] == 401
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token.split()[-1]}"}
        assert process.request("POST", "/v1/prediction", b"{}", headers)[0] == 503
        process.signal(signal.SIGHUP)
        process.wait_for("tokens.reloaded")
        process.stop()
