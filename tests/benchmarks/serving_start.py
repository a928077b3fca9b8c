"""Starting with a release there: how long until the first prediction, and how much memory the processes take."""

from __future__ import annotations

import time

from tests.benchmarks import baselines
from tests.benchmarks.measures import Measure, median_of
from tests.benchmarks.scenes import learn, new_folder, pss
from tests.end_to_end.daemon_process import DaemonProcess, running
from tests.end_to_end.drops import Clients, chance, csv_text, drop_all, workspace

STARTS = 5


def serving_start() -> list[Measure]:
    """From the start of the process to the first prediction; memory (PSS) at idle before any work, and after it.

    PSS shares what several processes have mapped: a second daemon on the machine would make both look smaller.
    """
    clients = Clients(chance(8))
    body = baselines.clients_body(clients.rows(1))
    seconds: list[float] = []
    before: list[tuple[float, float]] = []
    with new_folder() as folder:
        config = workspace(folder, drift={"policy": "never"})
        with running(config) as daemon:
            learn(daemon, clients, 2000)
            daemon.wait_settled(seconds=120.0)
            daemon.wait_for("report.written")
            daemon.stop()
        for _ in range(STARTS):
            with running(config) as daemon:
                seconds.append(_first_prediction(daemon, body))
                daemon.wait_idle()
                before.append(_memory(daemon))
                if len(before) == STARTS:
                    after = _after_work(daemon, clients)
                daemon.stop()
    front, ingest = (sorted(one)[STARTS // 2] for one in zip(*before, strict=True))
    return [
        median_of("start to the first prediction, a release there", seconds),
        Measure("memory at idle, before any work: front (PSS)", "MB", front, STARTS),
        Measure("... front and ingest worker", "MB", front + ingest, STARTS),
        Measure("memory at idle, after work: front (PSS)", "MB", after[0]),
        Measure("... front and ingest worker", "MB", sum(after)),
    ]


def _first_prediction(daemon: DaemonProcess, body: bytes) -> float:
    status, _ = daemon.request("POST", "/v1/prediction", body, {"Content-Type": "application/json"})
    if status != 200:
        raise AssertionError(f"the first prediction was answered with {status}")
    return time.monotonic() - daemon.began


def _after_work(daemon: DaemonProcess, clients: Clients) -> tuple[float, float]:
    """Four files of 10,000 rows and one to be ranked have been taken, and the list was looked at."""
    texts = {f"more-{number}.csv": csv_text(clients.rows(10_000)) for number in range(4)}
    drop_all(daemon.root / "sourcedata", {**texts, "ranked.csv": csv_text(clients.unlabelled(10_000))})
    daemon.wait_file("ranked.csv", "scored")
    daemon.wait_settled(seconds=120.0)
    daemon.get("/v1/calls")
    daemon.until(lambda: daemon.worker("model") is None, "the model worker rests", seconds=60.0)
    return _memory(daemon)


def _memory(daemon: DaemonProcess) -> tuple[float, float]:
    """Megabytes of the front and of the ingest worker."""
    return pss(daemon.pid), pss(daemon.worker("ingest") or 0)
