"""Nothing of a release that was tampered with is used or unpickled, and the daemon goes on with the last good one.

Every process has an audit hook: it writes down what is unpickled, and what only the model worker may import.
"""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.storage import signing
from tests.end_to_end import books
from tests.end_to_end.daemon_process import PROJECT, DaemonProcess, running
from tests.end_to_end.drops import Clients, chance, csv_text, drop, workspace
from tests.end_to_end.test_operation import problems_of, whole

FLIPS = 1_000
HOOK = """
import os, sys

_heard = os.open(os.environ["HEARD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def _listen(event, arguments):
    if event == "pickle.find_class":
        os.write(_heard, f"{os.getpid()} {sys.orig_argv} unpickles {arguments[0]}.{arguments[1]}\\n".encode())
    elif event == "import" and arguments[0] in ("joblib", "sklearn") and sys.orig_argv[-1] != "model":
        os.write(_heard, f"{os.getpid()} {sys.orig_argv} imports {arguments[0]}\\n".encode())


sys.addaudithook(_listen)
"""


class Payload:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the hook of each process that is started from here writes."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(HOOK)
    path = tmp_path / "heard"
    path.touch()
    monkeypatch.setenv("HEARD", str(path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(PROJECT)]))
    return path


def test_the_hook_hears_what_is_unpickled_and_imported(heard: Path) -> None:
    program = "import pickle, joblib, decimal; pickle.loads(pickle.dumps(decimal.Decimal(1)))"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    lines = heard.read_text()
    assert "unpickles decimal.Decimal" in lines
    assert "imports joblib" in lines


def _two_releases(daemon: DaemonProcess, clients: Clients) -> None:
    for number in (1, 2):
        seen = len(daemon.lines)
        drop(daemon.root / "sourcedata", f"{number}.csv", csv_text(clients.rows(400)))
        daemon.wait_for("model.promoted", after=seen)
        daemon.wait_settled()
    daemon.wait_count("report.written", 2)


def _tampered(release: Path, other: Path, payload: bytes, tmp_path: Path) -> Iterator[str]:
    """One way of tampering after the other; the release is as it was before each, and at the end."""
    kept = {path: path.read_bytes() for path in release.iterdir()}

    def again() -> None:
        for path, content in kept.items():
            path.write_bytes(content)

    for path, content in kept.items():
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        yield f"a byte of {path.name}"
        again()
    for name in ("model.joblib", "trainedmodel.pkl"):
        (release / name).write_bytes(payload)
        yield f"a payload as {name}"
        again()
    shutil.copy(other / "scorecard.json", release)
    yield "a scorecard of another release"
    again()
    signing.make_keys(tmp_path / "other-keys")
    (release / "manifest.sig").write_bytes(signing.sign(tmp_path / "other-keys", kept[release / "manifest.json"]))
    yield "a signature by another key"
    again()


def test_of_a_tampered_release_nothing_is_used_or_unpickled_at_a_deployment_and_at_a_start(
    folder: Path, clients: Clients, tmp_path: Path, heard: Path
) -> None:
    config = workspace(folder, drift={"policy": "always"}, training={"estimators": ["logistic"]})
    place = folder / "production_deployment" / "releases"
    proof = tmp_path / "unpickled"
    payload = pickle.dumps(Payload(proof))
    body = whole(clients.unlabelled(3))
    with running(config) as daemon:
        _two_releases(daemon, clients)
        daemon.until(lambda: daemon.worker("model") is None, "the model worker rests")
        newest = books.fact(folder, "current_model")
        older = newest - 1
        answers = daemon.post("/prediction", body)
        heard.write_text("")
        for how in _tampered(place / str(older), place / str(newest), payload, tmp_path):
            assert daemon.post("/v1/rollback", {}, status=409)["detail"], how
            assert daemon.post("/prediction", body) == answers, how
        assert books.fact(folder, "current_model") == newest
        assert daemon.post("/v1/rollback", {})["model_version"] == older, "untouched it can be deployed"
        assert daemon.post("/v1/rollback", {})["model_version"] == newest
        daemon.stop()
    current = place / str(newest) / "trainedmodel.pkl"
    kept = current.read_bytes()
    current.write_bytes(payload)
    with running(config, expected=("task.failed",)) as daemon:
        assert daemon.post("/prediction", body)["model_version"] == older, "the last good one answers"
        told = daemon.wait_for("release.refused")
        assert "trainedmodel.pkl" in told["detail"]
        assert told["serving"] == older
        assert f"Model {older} is served meanwhile." in problems_of(daemon)["model"]
        assert books.fact(folder, "current_model") == newest, "the ledger says what is current"
        assert daemon.get("/v1/models")["items"][0]["state"] == "current"
        daemon.wait_for("folder.watched")
        current.write_bytes(kept)
        daemon.until(lambda: daemon.post("/prediction", body)["model_version"] == newest, "it heals by itself")
        daemon.wait_idle()
        daemon.until(lambda: problems_of(daemon) == {}, "nothing is wrong any more")
        daemon.stop()
    assert not proof.exists()
    assert heard.read_text() == ""


def test_a_thousand_changed_bytes_of_a_release_are_each_found_before_anything_is_unpickled(
    folder: Path, clients: Clients, heard: Path
) -> None:
    """Over the folder of a release that was really made and is asked for, each byte changed alone."""
    config = workspace(folder, drift={"policy": "always"}, training={"estimators": ["logistic"]})
    body = whole(clients.unlabelled(3))
    with running(config) as daemon:
        _two_releases(daemon, clients)
        daemon.until(lambda: daemon.worker("model") is None, "the model worker rests")
        newest = books.fact(folder, "current_model")
        answers = daemon.post("/prediction", body)
        files = sorted((folder / "production_deployment" / "releases" / str(newest - 1)).iterdir())
        kept = {path: path.read_bytes() for path in files}
        drawn = chance(5)
        sizes = [len(kept[path]) for path in files]
        heard.write_text("")
        for path in (*files, *drawn.choices(files, sizes, k=FLIPS - len(files))):  # each once at least
            content = bytearray(kept[path])
            place, bit = drawn.randrange(len(content)), drawn.randrange(8)
            content[place] ^= 1 << bit
            path.write_bytes(content)
            refused = daemon.post("/v1/rollback", {}, status=409)["detail"]
            assert f"elease {newest - 1}" in refused, f"bit {bit} of byte {place} of {path.name}"
            path.write_bytes(kept[path])
            assert daemon.post("/prediction", body) == answers
        assert heard.read_text() == ""
        assert books.fact(folder, "current_model") == newest
        assert daemon.post("/v1/rollback", {})["model_version"] == newest - 1, "untouched it can be deployed"
        daemon.stop()


def test_where_the_previous_release_was_tampered_with_too_the_newest_good_one_is_served(
    folder: Path, clients: Clients
) -> None:
    config = workspace(folder, drift={"policy": "always"}, training={"estimators": ["logistic"]})
    place = folder / "production_deployment" / "releases"
    with running(config) as daemon:
        for number in range(3):
            seen = len(daemon.lines)
            drop(daemon.root / "sourcedata", f"{number}.csv", csv_text(clients.rows(400)))
            daemon.wait_for("model.promoted", after=seen)
            daemon.wait_settled()
        daemon.wait_count("report.written", 3)
        newest = books.fact(folder, "current_model")
        daemon.stop()
    for version in (newest, newest - 1):
        (place / str(version) / "manifest.sig").write_bytes(b"0" * 64)
    with running(config, expected=("task.failed",)) as daemon:
        assert daemon.post("/prediction", whole(clients.unlabelled(1)))["model_version"] == newest - 2
        assert f"Model {newest - 2} is served meanwhile." in problems_of(daemon)["model"]
        daemon.stop()
