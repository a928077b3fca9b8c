"""A fresh checkout: its configuration and drops give a model and a ranked list; `demo` brings the next month."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.daemon_process import PROJECT, DaemonProcess, run_command, running

SHIPPED = PROJECT / "sourcedata"
NEWEST = "2026-05-clients.csv"
NEXT = "2026-06-clients.csv"


def checkout(folder: Path) -> Path:
    """What a fresh checkout has of a workspace; returns the path of its config.json."""
    folder.mkdir()
    shutil.copytree(SHIPPED, folder / "sourcedata")
    return Path(shutil.copy(PROJECT / "config.json", folder))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    with running(checkout(tmp_path_factory.mktemp("fresh") / "work")) as daemon:
        yield daemon


def test_the_shipped_drops_give_a_model_and_a_ranked_list(fresh: DaemonProcess) -> None:
    fresh.wait_for("model.promoted")
    fresh.wait_file(NEWEST, "scored")
    calls = fresh.get("/v1/calls?limit=5")["items"]
    probabilities = [call["probability"] for call in calls]
    assert probabilities == sorted(probabilities, reverse=True)
    status, page = fresh.request("GET", "/")
    assert status == 200
    places = [page.decode().find(call["id"]) for call in calls]
    assert -1 not in places, "the page names the clients of the list"
    assert places == sorted(places), "in its order"
    written = fresh.root / "predictions" / NEWEST
    fresh.until(written.exists, "what follows the commit is done")
    assert written.read_text().count("\n") == 10_001


def test_the_next_demonstration_drop_goes_the_whole_way(fresh: DaemonProcess) -> None:
    fresh.wait_for("model.promoted")
    fresh.wait_idle()
    before = fresh.get("/v1/decisions")["items"]
    written = run_command(fresh.config, "demo")
    assert written.returncode == 0, written.stderr
    names = [Path(line).name for line in written.stdout.split()]
    assert NEXT in names
    for name in names:
        assert fresh.wait_file(name, "ingested", "scored")["rows"]["ingested"] > 0
    fresh.wait_idle()
    decisions = fresh.get("/v1/decisions")["items"]
    assert len(decisions) > len(before), "what became known of the month before was decided on"
    assert decisions[0]["verdict"] in ("kept", "promoted")
    assert decisions[0]["sentence"] in fresh.request("GET", "/")[1].decode()
    scoring = fresh.get("/scoring")
    assert scoring["prequential"]["rows"] == sum(one["rows"] for one in decisions) - decisions[-1]["rows"]
    assert {line["file"] for line in fresh.events("file.ingested") + fresh.events("file.scored")} >= set(names)
    assert NEXT in fresh.request("GET", "/")[1].decode()
    assert fresh.get("/v1/calls?limit=1")["items"][0]["id"] in (fresh.root / "sourcedata" / NEXT).read_text()
    assert re.search(r"\d", (fresh.root / "production_deployment" / "latestscore.txt").read_text())


def test_sigterm_during_a_training_ends_it_with_0_and_the_next_start_decides_the_rest(folder: Path) -> None:
    config = checkout(folder)
    with running(config) as daemon:
        daemon.wait_for("retrain.decided", where=lambda line: line["train"])
        assert daemon.worker("model") is not None
        assert daemon.stop(seconds=15.0) < 15.0
        assert daemon.lines[-1]["event"] == "daemon.stopped"
    with running(config) as again:
        again.wait_for("model.promoted")
        again.wait_idle()
        assert all(one["verdict"] for one in again.get("/v1/decisions")["items"])
        assert not again.events("file.ingested"), "nothing was read twice"
        again.stop()
