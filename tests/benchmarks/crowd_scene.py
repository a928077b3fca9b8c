"""2,000 clients that are slow on purpose beside 100 good ones: what the good ones notice of them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks.measures import Measure, median_of, percentile
from tests.end_to_end.daemon_process import DaemonProcess, running
from tests.end_to_end.drops import Clients, chance, csv_text, drop_all, workspace
from tests.end_to_end.good_clients import Asked, ask
from tests.end_to_end.slow_clients import slow_clients

SLOW, GOOD = 2000, 100
EVERY_SECONDS, ALONE_SECONDS, BESIDE_SECONDS = 0.2, 15.0, 30.0
"""The slow ones are cut off after 10 s and come again, so that the time beside them has several rounds of that."""


def slow_crowd() -> list[Measure]:
    """The same good clients alone and beside the slow ones, on the settings as shipped."""
    with (
        tempfile.TemporaryDirectory(prefix="attritiond-bench-") as scratch,
        running(workspace(Path(scratch) / "work")) as daemon,
    ):
        daemon.wait_for("folder.watched")
        rows = csv_text(Clients(chance(6)).rows(2000))
        drop_all(daemon.root / "sourcedata", {"first.csv": rows})
        daemon.wait_for("model.promoted")
        daemon.wait_settled(seconds=120.0)
        alone = _ask(daemon, ALONE_SECONDS)
        with slow_clients(daemon.url, SLOW) as slow:
            beside = _ask(daemon, BESIDE_SECONDS)
        daemon.stop()
    base = ("alone", alone.seconds)
    return [
        median_of(
            f"/livez, {GOOD} connections, 500 requests/s, beside {SLOW:,} slow clients", beside.seconds, baseline=base
        ),
        Measure(
            "... 99th percentile",
            "ms",
            percentile(beside.seconds, 0.99) * 1000,
            len(beside.seconds),
            None,
            percentile(alone.seconds, 0.99) * 1000,
            "alone",
        ),
        Measure("... slow clients cut off meanwhile", "", float(sum(slow.cut.values()))),
    ]


def _ask(daemon: DaemonProcess, seconds: float) -> Asked:
    asked = ask(daemon.url, connections=GOOD, every=EVERY_SECONDS, seconds=seconds)
    if asked.failures:
        raise AssertionError(f"good clients were not answered: {asked.failures[:3]}")
    return asked
