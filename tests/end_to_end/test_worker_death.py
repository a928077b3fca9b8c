"""A worker dies, as by the kernel's hand: nobody notices but the file that it died on."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.end_to_end.daemon_process import DaemonProcess, running
from tests.end_to_end.drops import Clients, csv_text, drop_all, workspace
from tests.end_to_end.probe import probing

LONG = 300_000
"""Rows of a file that takes so long to read that the worker can be killed at it."""


def test_a_file_on_which_the_worker_dies_twice_alone_is_quarantined_and_its_neighbours_are_in(
    folder: Path, clients: Clients
) -> None:
    long = csv_text(clients.rows(LONG))
    texts = {"a.csv": csv_text(clients.rows(200)), "b-long.csv": long, "c.csv": csv_text(clients.rows(200))}
    with running(workspace(folder)) as daemon:
        first = daemon.wait_for("worker.started")["pid"]
        daemon.wait_for("folder.watched")
        reading = _read_so_far(first) + len(long)  # beyond what a worker reads to start
        with probing(daemon.url):
            drop_all(folder / "sourcedata", texts)
            _kill_at(daemon, first, reading)  # in a group
            for death in (2, 3):  # alone
                _kill_at(daemon, daemon.wait_count("worker.started", death)["pid"], reading)
            refused = daemon.wait_file("b-long.csv", "quarantined", "ingested")
            for name in ("a.csv", "c.csv"):
                assert daemon.wait_file(name, "ingested")["rows"]["ingested"] == 200
        assert refused["state"] == "quarantined"
        assert refused["reason"]["code"] == "worker_died"
        assert [line["worker"] for line in daemon.events("worker.died")] == ["ingest"] * 3
        assert daemon.get("/v1/summarystats")["rows"] == 400
        copies = [path.name for path in (folder / "quarantine").iterdir()]
        assert sorted(copies) == [f"{refused['sha256']}-b-long.csv", f"{refused['sha256']}-b-long.csv.reason.json"]
        daemon.stop()


def test_the_death_of_the_model_worker_costs_a_second_try_and_nothing_else(folder: Path, clients: Clients) -> None:
    with running(workspace(folder)) as daemon:
        with probing(daemon.url):
            drop_all(folder / "sourcedata", {"a.csv": csv_text(clients.rows(20_000))})
            daemon.wait_for("retrain.decided")
            os.kill(daemon.worker("model") or -1, signal.SIGKILL)
            assert daemon.wait_for("worker.died")["worker"] == "model"
            daemon.wait_for("model.promoted")
            daemon.wait_idle()
        first = daemon.get("/v1/decisions")["items"][-1]
        assert (first["rows"], first["verdict"]) == (20_000, "promoted")
        daemon.until(lambda: daemon.request("GET", "/readyz")[0] == 200, "it is ready")
        daemon.stop()


def _kill_at(daemon: DaemonProcess, pid: int, read: int) -> None:
    """Kill the worker once it has read so many bytes: it has the long file in memory, and parses it."""
    daemon.until(lambda: _read_so_far(pid) > read, "the worker has read the long file")
    os.kill(pid, signal.SIGKILL)


def _read_so_far(pid: int) -> int:
    """Bytes that a process has read, what it needed to start included."""
    text = Path(f"/proc/{pid}/io").read_text()
    return int(text.split("rchar:")[1].split()[0])
