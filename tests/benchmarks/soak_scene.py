"""A steady rate of predictions beside training, with deployments all the time, and no answer that goes unchecked.

``ATTRITIOND_BENCH_SOAK_SECONDS=40`` takes less; what is printed then says so.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks import load_generator, steady_load
from tests.benchmarks.load_generator import client_bodies
from tests.benchmarks.meanwhile import meanwhile
from tests.benchmarks.measures import Measure, median_of, percentile
from tests.benchmarks.recomputed import Client, Verdict, compare, said_offline, versions_of
from tests.benchmarks.scenes import new_folder, pss
from tests.benchmarks.serving_scenes import frame, objects
from tests.benchmarks.steady_load import Job, Reply, Schedule
from tests.end_to_end.daemon_process import DaemonProcess, Line, running
from tests.end_to_end.drops import FIVE_KEYS, workspace

SECONDS, FEWEST_SECONDS = 600.0, 15.0
RATE, CONNECTIONS, CLIENTS = 500.0, 32, 2000
DEPLOY_EVERY, DROP_EVERY, DROP_ROWS = 6.0, 3.0, 1000
TARGET_P99 = 0.025
SHOWN = 5
PATIENCE = 300.0

FIRST_ROWS, SECOND_ROWS = 2500, 1500
SECTIONS: Mapping[str, object] = {
    "drift": {"policy": "always"},
    "retention": {"releases": 100_000},
}
"""Every release that ever answered is there afterwards."""
PROVISIONAL = {"estimators": ["logistic"], "minimum_rows": FIRST_ROWS + 1}
BOTH = {"estimators": ["explainable_boosting", "logistic"], "single_lead": 0.9, "max_rows": 5000}
"""A fit takes a second or two however many rows have come, so that decisions end between two deployments by hand."""
ESTIMATORS = ("logistic", "explainable_boosting", "blend")


@dataclass(slots=True)
class Deployed:
    """What became of the deployments by hand: how long each took, and what was answered to those that were refused."""

    seconds: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Soaked:
    """What was seen. ``lines``: of the daemon's log, while it was asked; ``memory``: of the front, before and after."""

    schedule: Schedule
    replies: Sequence[Reply]
    deployed: Deployed
    lines: Sequence[Line]
    memory: tuple[float, float]

    def count(self, event: str, *, where: Callable[[Line], bool] = lambda _: True) -> int:
        """So many lines with this event."""
        return sum(line["event"] == event and where(line) for line in self.lines)


def soak() -> list[Measure]:
    """Ask, deploy and train; then hold every answer against the release that it names."""
    seconds = seconds_of(os.environ)
    if seconds < SECONDS:
        print(f"- SOAKED FOR {seconds:g} s INSTEAD OF {SECONDS:g} s: no full measurement")
    clients = objects(CLIENTS, 7)
    with new_folder() as folder:
        config = workspace(folder, **SECTIONS, training=PROVISIONAL)
        with running(config, environment={"ATTRITIOND__LOGGING__REQUEST_SAMPLE": "0.01"}) as daemon:
            versions = _three_releases(daemon)
            soaked = _soak(daemon, versions, clients, Schedule(RATE, seconds))
            daemon.stop()
        verdict = _verdict(folder, soaked, clients)
    _show(soaked, verdict)
    return measures(soaked, verdict)


def seconds_of(environment: Mapping[str, str]) -> float:
    """How long it takes. Raises ValueError where that is too short for a few deployments."""
    seconds = float(environment.get("ATTRITIOND_BENCH_SOAK_SECONDS") or SECONDS)
    if seconds < FEWEST_SECONDS:
        raise ValueError(f"a soak takes at least {FEWEST_SECONDS:g} s, not {seconds:g}")
    return seconds


def _three_releases(daemon: DaemonProcess) -> list[int]:
    """A logistic regression, a boosting machine, and both of them: in a data set that has rows for a provisional model
    first, and then for real ones, of other estimators."""
    _drop(daemon, "first", FIRST_ROWS, 1)
    daemon.wait_for("model.promoted", seconds=PATIENCE)
    daemon.config.write_text(json.dumps({**FIVE_KEYS, **SECTIONS, "training": BOTH}))
    daemon.signal(signal.SIGHUP)
    if not daemon.wait_for("config.reloaded")["accepted"]:
        raise AssertionError(f"the configuration was refused\n{daemon.tail()}")
    _drop(daemon, "second", SECOND_ROWS, 2)
    daemon.until(lambda: len(daemon.events("model.promoted")) == len(ESTIMATORS), "three models", seconds=PATIENCE)
    daemon.wait_settled(seconds=PATIENCE)
    there = {item["version"]: item["estimator"] for item in daemon.get("/v1/models")["items"]}
    if sorted(there.values()) != sorted(ESTIMATORS):
        raise AssertionError(f"other releases were wanted: {there}")
    return sorted(there)


def _drop(daemon: DaemonProcess, name: str, rows: int, seed: int) -> None:
    content = frame(rows, seed).to_csv(index=False).encode()
    load_generator.write(daemon.root / "sourcedata", f"{name}.csv", content)


def _soak(daemon: DaemonProcess, versions: Sequence[int], clients: Sequence[Client], schedule: Schedule) -> Soaked:
    job = Job(f"{daemon.url}v1/prediction", schedule, CONNECTIONS, client_bodies([dict(one) for one in clients]))
    deployed = Deployed()

    def deploy(number: int) -> None:
        began = time.monotonic()
        status, body = daemon.request("POST", f"/v1/models/{versions[number % len(versions)]}/deploy")
        deployed.seconds.append(time.monotonic() - began)
        if status != 200:
            deployed.refused.append(f"{status} {body[:300]!r}")

    def drop(number: int) -> None:
        _drop(daemon, f"drop-{number:04d}", DROP_ROWS, 100 + number)

    seen, before = len(daemon.lines), pss(daemon.pid)
    with meanwhile(drop, every=DROP_EVERY), meanwhile(deploy, every=DEPLOY_EVERY):
        replies = steady_load.ask(job)
    return Soaked(schedule, replies, deployed, daemon.lines[seen:], (before, pss(daemon.pid)))


def _verdict(folder: Path, soaked: Soaked, clients: Sequence[Client]) -> Verdict:
    place, keys = folder / "production_deployment" / "releases", folder / "ingesteddata" / "keys"
    said = {version: said_offline(place, version, keys, clients) for version in set(versions_of(soaked.replies))}
    identities = [str(one["corporation"]) for one in clients]
    return compare(soaked.replies, said, identities, requests=soaked.schedule.requests)


def _show(soaked: Soaked, verdict: Verdict) -> None:
    """The first of all that went wrong, for whoever looks for the cause."""
    failed = (one for one in soaked.replies if not one.is_answer)
    errors = [f"request {one.number}: {one.status} {one.fault or one.body[:300]!r}" for one in failed]
    for what, found in (("error", errors), ("differs", verdict.different), ("refused", soaked.deployed.refused)):
        for one in found[:SHOWN]:
            print(f"soak: {what}: {one}", file=sys.stderr)


def measures(soaked: Soaked, verdict: Verdict) -> list[Measure]:
    """What was seen, as the table says it."""
    replies, schedule, deployed = soaked.replies, soaked.schedule, soaked.deployed
    seconds, late = (of(replies, schedule) for of in (steady_load.seconds_from_due, steady_load.lateness))
    errors = sum(not one.is_answer for one in replies)
    by_daemon = soaked.count("model.promoted", where=lambda line: "decision" in line)
    what = f"soak of {schedule.seconds:g} s, {schedule.rate:g} requests/s"
    return [
        Measure(f"{what}: requests", "", float(len(replies))),
        Measure("... errors (not 200, broken connections)", "", float(errors)),
        Measure(
            f"... answers that differ from the recomputation by the {len(verdict.checked)} releases that answered",
            "",
            float(len(verdict.different)),
            sum(verdict.checked.values()),
        ),
        median_of("... from due to answered", seconds),
        Measure(
            "... 99th percentile",
            "ms",
            percentile(seconds, 0.99) * 1000,
            len(seconds),
            None,
            TARGET_P99 * 1000,
            "to reach",
        ),
        Measure(
            "... of which from due to sent, 99th percentile",
            "ms",
            percentile(late, 0.99) * 1000,
            len(late),
            max(late) * 1000,
        ),
        Measure(
            f"... deployments by hand (POST), {len(deployed.refused)} of them refused", "", float(len(deployed.seconds))
        ),
        median_of("... from POST to its answer", deployed.seconds),
        Measure("... deployments by the daemon", "", float(by_daemon)),
        Measure("... changes of `model_version` from answer to answer", "", float(len(versions_of(replies)) - 1)),
        Measure("... fits (`model.trained`)", "", float(soaked.count("model.trained"))),
        Measure("... front at the end (PSS)", "MB", soaked.memory[1], 1, None, soaked.memory[0], "at the start"),
    ]
