"""Files are dropped while the daemon is killed, again and again; in the end the books must add up.

By hand, at full size: ``python -m tests.end_to_end.crash_harness --kills 1000 --files 2000 --seed 1``. The data set is
held against what the dropper remembers, and ``attritiond export`` row by row against a recount of the dropped files.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from handlers.storage import models, releases
from handlers.storage.ledger import Ledger
from tests.end_to_end import books, drops
from tests.end_to_end.daemon_process import DaemonProcess
from tests.end_to_end.recount import exported, first_difference, recount

REST_SECONDS = 1.5
"""Between two kills of the same worker: two deaths on the same file alone would rightly quarantine it."""
PATIENCE = 600.0
MONTHS = ("2026-01", "2026-02", "2026-03")


@dataclass(frozen=True, slots=True)
class Task:
    """How much, and the seed of every choice. ``months``: with a time column, so that a drop is several blocks."""

    kills: int
    files: int
    seed: int
    months: bool = False


@dataclass(slots=True)
class Dropped:
    """What was dropped, as the dropper knows it: rows by their values, and the files that carry them."""

    rows: dict[drops.Row, None] = field(default_factory=dict)
    came_labelled: list[drops.Row] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    unlabelled: dict[str, list[drops.Row]] = field(default_factory=dict)
    twins: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    kills: dict[str, int]
    lives: int
    audit: books.Audit
    releases_checked: int
    seconds: float


class CrashRun:
    """One run: a dropper in a thread of its own, and this thread that kills and starts."""

    def __init__(self, folder: Path, task: Task) -> None:
        sections = {"dataset": {"time_column": "month"}} if task.months else {}
        # So that finaldata.csv has all rows in the end, however many files there are.
        self.config = drops.workspace(folder, **sections, ingestion={"finaldata_max_rows": 1_000_000})
        self.root = folder
        self.dropped = Dropped()
        self._task = task
        self._chance = drops.chance(task.seed)
        self._kills: Counter[str] = Counter()
        self._last = dict.fromkeys(("ingest", "model"), 0.0)
        self._checked = 0
        self._lives = 0
        self._bugs: list[object] = []
        self._trouble: list[BaseException] = []

    def run(self) -> Outcome:
        """Kill as often as asked while the files are dropped, then let it finish, and audit the books."""
        began = time.monotonic()
        dropper = threading.Thread(target=self._drop_all, daemon=True)
        dropper.start()
        while sum(self._kills.values()) < self._task.kills:
            self._live()
        last = self._start()
        try:
            last.until(lambda: self._trouble or not dropper.is_alive(), "everything is dropped", seconds=PATIENCE)
            assert not self._trouble, self._trouble
            last.until(lambda: self._all_taken(last), "every file is taken", seconds=PATIENCE)
            last.wait_settled(seconds=PATIENCE)
            rows = last.get("/v1/summarystats")["rows"]
            last.stop()
        finally:
            last.kill()
        self._look_for_bugs(last)
        self._check_release()
        assert not self._bugs, f"the log tells of bugs: {self._bugs[:3]}"
        time_column = "month" if self._task.months else None
        audit = books.audit(self.root, self.dropped.rows, time_column=time_column)
        self._compare_export()
        assert rows == audit.rows, f"/v1/summarystats says {rows} rows, there are {audit.rows}"
        return Outcome(dict(self._kills), self._lives, audit, self._checked, time.monotonic() - began)

    def _compare_export(self) -> None:
        """The rows that are exported are those that a recount of the dropped files finds, each once."""
        paths = [self.root / "sourcedata" / name for name in self.dropped.names]
        keys = ("corporation", "month") if self._task.months else ("corporation",)
        wrong = first_difference(sorted(exported(self.config)), sorted(recount(paths, keys=keys)))
        assert wrong is None, f"the export is not what was dropped: {wrong}"

    # -- killing --------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        """One life: workers are killed in it now and then, and it ends with kill -9 of the whole group."""
        daemon = self._start()
        try:
            while sum(self._kills.values()) < self._task.kills:
                longest = self._chance.choice((0.8, 2.0, 2.0, 4.0, 8.0))
                time.sleep(self._chance.uniform(0.0, longest))
                assert daemon.is_running(), f"it has ended by itself\n{daemon.tail()}"
                kind = self._chance.choice(
                    ("group", "ingest", *(["model"] * 3 if daemon.worker("model") else ["group"]))
                )
                if kind == "group":
                    self._kills[kind] += 1
                    return
                self._kill_worker(daemon, kind)
                self._check_release()
        finally:
            daemon.kill()
            self._look_for_bugs(daemon)
            self._check_release()

    def _kill_worker(self, daemon: DaemonProcess, role: str) -> None:
        pid = daemon.worker(role)
        if pid is None or time.monotonic() - self._last[role] < REST_SECONDS:
            return
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self._kills[role] += 1
        self._last[role] = time.monotonic()

    def _start(self) -> DaemonProcess:
        self._lives += 1
        return DaemonProcess(self.config)

    def _check_release(self) -> None:
        """What the ledger calls current, and what the link names, can be loaded as a reader does."""
        keys, place = self.root / "ingesteddata" / "keys", self.root / "production_deployment"
        if not books.are_there(self.root):
            return
        opened = Ledger(self.root / "ingesteddata" / "ledger.sqlite3", read_only=True)
        try:
            with opened.read() as connection:
                version = models.current(connection)
        finally:
            opened.close()
        if version is not None:
            releases.load(place / "releases", version, keys)
            self._checked += 1
        if (place / "current").is_symlink():
            releases.load(place / "releases", int((place / "current").readlink().name), keys)

    def _look_for_bugs(self, daemon: DaemonProcess) -> None:
        for position, line in enumerate(daemon.lines):
            cut_off = line["event"] == "not-json" and position == len(daemon.lines) - 1
            if line["event"] in ("task.failed", "daemon.failed", "file.failed", "not-json") and not cut_off:
                self._bugs.append(line)

    def _all_taken(self, daemon: DaemonProcess) -> bool:
        known = daemon.files()
        lost = [item for item in known.values() if item["state"] == "quarantined"]
        assert not lost, f"quarantined: {lost[:3]}\n{daemon.tail()}"
        return all(
            known.get(name, {"state": "failed"})["state"] not in ("failed", "waiting") for name in self.dropped.names
        )

    # -- dropping -------------------------------------------------------------------------------------------------

    def _drop_all(self) -> None:
        try:
            chance = drops.chance(self._task.seed + 1)
            clients = drops.Clients(drops.chance(self._task.seed + 2), months=MONTHS if self._task.months else ())
            for number in range(self._task.files):
                while number > self._task.files * (sum(self._kills.values()) + 1) / self._task.kills:
                    time.sleep(0.02)
                self._drop_one(number, clients, chance)
                time.sleep(chance.uniform(0.0, 0.2))
        except BaseException as error:
            self._trouble.append(error)
            raise

    def _drop_one(self, number: int, clients: drops.Clients, chance: random.Random) -> None:
        source, name = self.root / "sourcedata", f"drop-{number}.csv"
        kind = chance.choice(("rename", "rename", "rename", "slow", "unlabelled", "twin", "labels"))
        ready = self._scored() if kind == "labels" else []
        if ready:
            self._drop_labels(name, ready[0], clients)
            return
        if kind == "twin" and self.dropped.names:
            earlier = (source / chance.choice(self.dropped.names)).read_text()
            drops.drop(source, name, earlier)
            self.dropped.names.append(name)
            self.dropped.twins += 1
            return
        size = chance.choice((20, 60, 200))
        rows = clients.unlabelled(size) if kind == "unlabelled" else clients.rows(size)
        again = chance.sample(self.dropped.came_labelled[-2000:] or rows, 5)
        text = drops.csv_text([*rows, *(again if kind != "unlabelled" else ())], clients.header)
        (drops.drop_slowly if kind == "slow" else drops.drop)(source, name, text)
        self.dropped.names.append(name)
        self.dropped.rows.update(dict.fromkeys((*rows, *again) if kind != "unlabelled" else rows))
        if kind == "unlabelled":
            self.dropped.unlabelled[name] = rows
        else:
            self.dropped.came_labelled += rows

    def _scored(self) -> list[str]:
        """Unlabelled drops whose rows are in the data set, as the ledger says."""
        if not books.are_there(self.root):
            return []
        taken = books.query(self.root, "SELECT name FROM files WHERE state IN ('scored', 'waiting')")
        return [name for (name,) in taken if name in self.dropped.unlabelled]

    def _drop_labels(self, name: str, earlier: str, clients: drops.Clients) -> None:
        rows = self.dropped.unlabelled.pop(earlier)
        keys = 2 if clients.months else 1
        labels = [str(position % 3 // 2) for position in range(len(rows))]
        text = drops.csv_text(
            [(*row[:keys], label) for row, label in zip(rows, labels, strict=True)],
            (*clients.header[:keys], clients.header[-1]),
        )
        drops.drop(self.root / "sourcedata", name, text)
        self.dropped.names.append(name)
        for row, label in zip(rows, labels, strict=True):
            del self.dropped.rows[row]
            self.dropped.rows[(*row[:-1], label)] = None


def main() -> None:
    """Run once at the size that the command line says, and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--months", action="store_true", help="with a time column: several blocks for each drop")
    parser.add_argument("--folder", type=Path, help="keep the workspace here")
    options = parser.parse_args()
    task = Task(options.kills, options.files, options.seed, options.months)
    with tempfile.TemporaryDirectory(prefix="attritiond-crashes-") as scratch:
        print(CrashRun(options.folder or Path(scratch) / "workspace", task).run())


if __name__ == "__main__":
    main()
