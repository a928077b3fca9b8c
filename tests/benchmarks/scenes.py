"""The scenes that are measured, each with a daemon and a workspace of its own."""

from __future__ import annotations

import http.client
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks import baselines
from tests.benchmarks.measures import Measure, median_of, percentile
from tests.end_to_end.daemon_process import PROJECT, DaemonProcess, running
from tests.end_to_end.drops import Clients, chance, csv_text, drop, drop_all, workspace
from tests.end_to_end.probe import probing

STARTS, DROPS, REQUESTS = 5, 40, 2000
ROWS = 100
BURST = 1000


@contextmanager
def new_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="attritiond-bench-") as scratch:
        yield Path(scratch) / "work"


def start_up() -> list[Measure]:
    """From the start of the process to its first answer."""
    bare = [baselines.interpreter_start() for _ in range(STARTS)]
    seconds = []
    with new_folder() as folder:
        config = workspace(folder)
        for _ in range(STARTS):
            with running(config) as daemon:
                seconds.append(daemon.wait_for("daemon.ready")["arrived"] - daemon.began)
                daemon.stop()
    return [median_of("start to answering (`daemon.ready`)", seconds, baseline=("imports alone", bare))]


def first_list() -> list[Measure]:
    """A fresh checkout's configuration and drops: until a model is deployed, and until the newest drop is ranked."""
    with new_folder() as folder:
        folder.mkdir()
        shutil.copytree(PROJECT / "sourcedata", folder / "sourcedata")
        config = Path(shutil.copy(PROJECT / "config.json", folder))
        with running(config) as daemon:
            deployed = daemon.wait_for("model.promoted")["arrived"] - daemon.began
            ranked = daemon.wait_for("file.scored")["arrived"] - daemon.began
            daemon.wait_idle(seconds=120.0)
            quiet = time.monotonic() - daemon.began
            learning = _memory(daemon, "model")
            daemon.until(lambda: daemon.worker("model") is None, "the model worker rests", seconds=60.0)
            idle = [("front", daemon.pid), ("ingest worker", daemon.worker("ingest") or 0)]
            measures = [Measure(f"memory at idle: {name} (PSS)", "MB", pss(pid)) for name, pid in idle]
            daemon.stop()
    return [
        Measure("fresh checkout: start to the first model deployed (files settle for 2 s)", "s", deployed),
        Measure("fresh checkout: start to the ranked list", "s", ranked),
        Measure("fresh checkout: start to everything decided (4 x 10,000 rows, in order)", "s", quiet),
        *measures,
        *([Measure("memory while it lives: model worker (PSS)", "MB", learning)] if learning else []),
    ]


def latency() -> list[Measure]:
    """From the rename of a file of 100 rows to its line in the log, which is written after the commit."""
    clients = Clients(chance(3))
    with new_folder() as folder, running(workspace(folder, drift={"policy": "never"})) as daemon:
        learn(daemon, clients, 1000)
        daemon.wait_settled(seconds=120.0)
        bare = [_bare(folder, clients) for _ in range(DROPS)]
        idle = [_drop(daemon, clients, f"idle-{number}.csv") for number in range(DROPS)]
        daemon.stop()
    with new_folder() as folder, running(workspace(folder, drift={"policy": "always"})) as daemon:
        learn(daemon, clients, 20_000)
        daemon.wait_settled(seconds=120.0)
        busy = _while_training(daemon, clients)
        daemon.stop()
    base = ("pyarrow parse and fsync", bare)
    return [
        median_of("drop (rename) of 100 rows to committed, idle", idle, baseline=base),
        median_of("drop (rename) of 100 rows to committed, while a model trains", busy, baseline=base),
    ]


def deployment() -> list[Measure]:
    """From the rename of a labelled file to the model that has learned from it, under the policy ``always``."""
    clients = Clients(chance(5))
    cold: list[float] = []
    warm: list[float] = []
    for _ in range(2):
        with (
            new_folder() as folder,
            running(workspace(folder, drift={"policy": "always"}, training={"estimators": ["logistic"]})) as daemon,
        ):
            daemon.wait_for("folder.watched")
            for number in range(4):
                seen = len(daemon.lines)
                began = drop_all(daemon.root / "sourcedata", {f"d{number}.csv": csv_text(clients.rows(1000))})
                promoted = daemon.wait_for("model.promoted", after=seen)
                (warm if number else cold).append(promoted["arrived"] - began)
                daemon.wait_idle()
            daemon.stop()
    return [
        median_of("drop of 1,000 rows to deployed, logistic, first of all (the model worker starts)", cold),
        median_of("drop of 1,000 rows to deployed, logistic, model worker awake", warm),
    ]


def burst() -> list[Measure]:
    """1,000 files of 100 rows at once, /livez asked every 20 ms."""
    clients = Clients(chance(4))
    with new_folder() as folder:
        with running(workspace(folder)) as daemon:
            daemon.wait_for("folder.watched")
            texts = {f"burst-{number}.csv": csv_text(clients.rows(ROWS)) for number in range(BURST)}
            with probing(daemon.url) as probe:
                began = drop_all(folder / "sourcedata", texts)
                daemon.until(lambda: len(daemon.events("file.ingested")) == BURST, "all are in", seconds=120.0)
                seconds = daemon.events("file.ingested")[-1]["arrived"] - began
                daemon.wait_idle(seconds=120.0)
            decisions = len(daemon.get("/v1/decisions")["items"])
            daemon.stop()
        bare = baselines.parse_all(sorted((folder / "sourcedata").iterdir()))
    return [
        Measure("1,000 files of 100 rows at once: all committed", "s", seconds, 1, None, bare, "pyarrow parse alone"),
        Measure("... rows a second", "rows/s", BURST * ROWS / seconds, 1, None, BURST * ROWS / bare, "pyarrow alone"),
        Measure("... decisions", "", float(decisions)),
        median_of("... /livez meanwhile", probe.seconds),
        Measure("... /livez meanwhile, 99th percentile", "ms", percentile(probe.seconds, 0.99) * 1000),
    ]


def prediction() -> list[Measure]:
    """One client, one connection, one request after the other."""
    clients = Clients(chance(6))
    body = baselines.clients_body(clients.rows(1))
    with baselines.bare_server() as url:
        bare = _ask(url, "/prediction", body)
    with new_folder() as folder, running(workspace(folder)) as daemon:
        learn(daemon, clients, 2000)
        daemon.wait_settled(seconds=120.0)
        ours = _ask(daemon.url, "/v1/prediction", body)
        many = _ask(daemon.url, "/v1/prediction", baselines.clients_body(clients.rows(1000)), requests=50)
        daemon.stop()
    return [
        median_of("prediction of one client, JSON, kept connection", ours, baseline=("bare aiohttp", bare)),
        Measure("... 99th percentile", "ms", percentile(ours, 0.99) * 1000),
        median_of("prediction of 1,000 clients, JSON", many),
    ]


def learn(daemon: DaemonProcess, clients: Clients, rows: int) -> None:
    daemon.wait_for("folder.watched")
    drop_all(daemon.root / "sourcedata", {"first.csv": csv_text(clients.rows(rows))})
    daemon.wait_for("model.promoted")


def _bare(folder: Path, clients: Clients) -> float:
    path = folder / "bare.csv"
    path.write_text(csv_text(clients.rows(ROWS)))
    return baselines.parse_and_sync(path, folder)


def _drop(daemon: DaemonProcess, clients: Clients, name: str) -> float:
    """Seconds from the rename to the line in the log; afterwards nothing is left to do."""
    seconds = _drop_and_look(daemon, clients, name)
    daemon.wait_idle()
    return seconds


def _drop_and_look(daemon: DaemonProcess, clients: Clients, name: str) -> float:
    seen = len(daemon.lines)
    began = drop_all(daemon.root / "sourcedata", {name: csv_text(clients.rows(ROWS))})
    line = daemon.wait_for("file.ingested", after=seen, where=lambda line: line["file"] == name)
    return float(line["arrived"] - began)


def _while_training(daemon: DaemonProcess, clients: Clients) -> list[float]:
    """Only drops whose whole way fell into the training of a model."""
    samples: list[float] = []
    for number in range(DROPS * 4):
        if len(samples) >= DROPS:
            break
        if not _trains(daemon):
            seen = len(daemon.lines)
            drop(daemon.root / "sourcedata", f"again-{number}.csv", csv_text(clients.rows(ROWS)))
            daemon.wait_for("retrain.decided", after=seen, where=lambda line: line["train"])
        seconds = _drop_and_look(daemon, clients, f"busy-{number}.csv")
        if _trains(daemon):
            samples.append(seconds)
    return samples


def _trains(daemon: DaemonProcess) -> bool:
    """Has a training begun that has not ended?"""
    events = [line["event"] for line in list(daemon.lines)]
    begun = max((place for place, event in enumerate(events) if event == "retrain.decided"), default=-1)
    ended = max((place for place, event in enumerate(events) if event in ("model.promoted", "model.kept")), default=-1)
    return begun > ended


def _ask(url: str, path: str, body: bytes, *, requests: int = REQUESTS) -> list[float]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30.0)
    seconds = []
    for number in range(requests + requests // 10):
        began = time.perf_counter()
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise AssertionError(f"{path} answered {answer.status}")
        if number >= requests // 10:
            seconds.append(time.perf_counter() - began)
    connection.close()
    return seconds


def _memory(daemon: DaemonProcess, role: str) -> float | None:
    pid = daemon.worker(role)
    return None if pid is None else pss(pid)


def pss(pid: int) -> float:
    """Megabytes of a process, shared pages by their share."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"no Pss of process {pid}: {os.uname()}")


SCENES = (start_up, first_list, latency, deployment, burst, prediction)
