"""What the program does to a workspace, under the tracer, and what must hold if it is killed meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.end_to_end import books, drops
from tests.end_to_end.daemon_process import ENVIRONMENT, PATIENCE, PROJECT, run_command, running
from tests.end_to_end.recount import Row, exported, first_difference, recount

SETTINGS: dict[str, Any] = {"drift": {"policy": "never"}, "ingestion": {"finaldata_max_rows": 0}}


@dataclass(frozen=True, slots=True)
class Report:
    """What a traced run came to: see ``system_calls.Run``."""

    exit_code: int
    calls: list[dict[str, Any]]
    acknowledged: list[int]


class Deed(Protocol):
    """Something that the program does to a workspace, and what must hold if it is killed meanwhile."""

    def fresh(self) -> Path:
        """A copy of the workspace in which it has not been done."""

    def traced(self, place: Path, kill_at: int = 0, *, torn: bool = False) -> Report:
        """Do it there, perhaps killed."""

    def check(self, place: Path, report: Report) -> bool:
        """Look at the workspace, do it to the end, look again. Returns whether it was true before that."""

    def calls(self, report: Report) -> Sequence[int]:
        """The numbers of the calls that belong to it, from 1, in a run that nobody disturbed."""


class OneIngest:
    """A workspace with some rows, a file that shares a quarter of them, and what must be there in the end."""

    def __init__(self, folder: Path, rows: int) -> None:
        self._folder = folder
        self.before = folder / "before"
        drops.workspace(self.before, **SETTINGS)
        clients = drops.Clients(drops.chance(rows))
        # Labels of one kind only: there is nothing to learn from, so that an ingest is nothing but that.
        made = [(*row[:-1], "0") for row in clients.rows(rows + 200)]
        first, self.file = folder / "first.csv", folder / "second.csv"
        first.write_text(drops.csv_text(made[:200]))
        self.file.write_text(drops.csv_text(made[150:]))
        done = run_command(self.before / "config.json", "ingest", str(first))
        assert done.returncode == 0, done.stderr
        self.rows_before = recount([first])
        self.rows_after = recount([first, self.file])

    def fresh(self) -> Path:
        """A copy of the workspace, where the last one was."""
        return copy_of(self.before, self._folder / "work")

    def traced(self, place: Path, kill_at: int = 0, *, torn: bool = False) -> Report:
        """Ingest the file in this copy, perhaps killed."""
        command = [sys.executable, "-m", "daemon", "ingest", "--config", str(place / "config.json"), str(self.file)]
        return trace(place, command, kill_at, torn=torn)

    def check(self, place: Path, report: Report) -> bool:
        """The books after a kill, and after a second run. Returns whether the file was committed at the kill."""
        config = place / "config.json"
        there = exported(config)
        committed = there != self.rows_before
        if committed or report.acknowledged:
            same(there, self.rows_after, "after the kill")
        done = run_command(config, "ingest", str(self.file))
        assert done.returncode == 0, f"the second run ended with {done.returncode}: {done.stderr}{done.stdout}"
        same(exported(config), self.rows_after, "after the second run")
        return committed

    def calls(self, report: Report) -> Sequence[int]:
        """All of them: the command does nothing else."""
        return range(1, len(report.calls) + 1)


def copy_of(workspace: Path, place: Path) -> Path:
    """A copy, where the last one was."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(workspace, place, symlinks=True)
    return place


def same(there: list[Row], expected: list[Row], when: str) -> None:
    """Assert that they are the same, row by row."""
    wrong = first_difference(there, expected)
    assert wrong is None, f"{when}: {wrong}"


def trace(
    under: Path,
    command: list[str],
    kill_at: int = 0,
    *,
    torn: bool = False,
    meanwhile: Callable[[subprocess.Popen[bytes]], None] | None = None,
) -> Report:
    """Run a command under the tracer. ``under``: only calls on files there count; ``meanwhile`` gets the tracer, whose
    standard error is the command's, and must have read it to its end."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        options = ["--under", str(under), "--report", file.name, "--kill-at", str(kill_at)]
        tracer = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.end_to_end.system_calls", *options),
                *(["--torn"] if torn else []),
                *("--", *command),
            ],
            cwd=PROJECT,
            env={**os.environ, **ENVIRONMENT},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            if meanwhile is not None:
                meanwhile(tracer)
            said = tracer.communicate(timeout=PATIENCE * 5)[1]
        finally:
            tracer.kill()  # what it traces dies with it
            tracer.wait()
        assert tracer.returncode == 0, said.decode()
        return Report(**json.loads(Path(file.name).read_text()))


class OneCompaction:
    """A workspace with enough small parts in the ledger that a daemon which has nothing else to do compacts them."""

    FILES, ROWS = 14, 10_000

    def __init__(self, folder: Path) -> None:
        self._folder, self._before = folder, folder / "before"
        config = drops.workspace(self._before, **SETTINGS)
        clients = drops.Clients(drops.chance(self.ROWS))
        paths = []
        for number in range(self.FILES):
            rows = [(*row[:-1], "0") for row in clients.rows(self.ROWS)]
            paths.append(drops.drop(folder, f"part-{number}.csv", drops.csv_text(rows)))
            done = run_command(config, "ingest", str(paths[-1]))  # one command each: one part each
            assert done.returncode == 0, done.stderr
        self._rows = recount(paths)
        assert _staged(self._before) == self.FILES

    def fresh(self) -> Path:
        """A copy of the workspace, where the last one was."""
        return copy_of(self._before, self._folder / "work")

    def traced(self, place: Path, kill_at: int = 0, *, torn: bool = False) -> Report:
        """Run the daemon in this copy until it has compacted and stopped, or was killed."""
        command = [sys.executable, "-m", "daemon", "run", "--config", str(place / "config.json")]
        return trace(place, command, kill_at, torn=torn, meanwhile=_stop_when_compacted)

    def check(self, place: Path, report: Report) -> bool:
        """The same rows in the same order, before and after a daemon has done it to the end."""
        config = place / "config.json"
        same(exported(config), self._rows, "after the kill")
        done = _staged(place) < self.FILES
        with running(config) as daemon:
            daemon.wait_for("folder.watched")
            if not done:
                daemon.wait_for("dataset.compacted")
            daemon.stop()
        same(exported(config), self._rows, "after the second run")
        assert _staged(place) < self.FILES, "it was compacted in the end"
        return done

    def calls(self, report: Report) -> Sequence[int]:
        """From the first call on the new part to the end, the stop of the daemon with it."""
        first = next(number for number, call in enumerate(report.calls, 1) if _is_part(call))
        return range(first, len(report.calls) + 1)


def _staged(place: Path) -> int:
    """How many parts lie in the ledger."""
    return int(books.query(place, "SELECT count(*) FROM staged")[0][0])


def _is_part(call: dict[str, Any]) -> bool:
    return any("/parts/" in path for path in call["paths"])


def _stop_when_compacted(tracer: subprocess.Popen[bytes]) -> None:
    """SIGTERM for the daemon that this process traces, once it has compacted; else until it has ended."""
    for raw in tracer.stderr or ():
        if json.loads(raw)["event"] == "dataset.compacted":
            children = Path(f"/proc/{tracer.pid}/task/{tracer.pid}/children").read_text().split()
            os.kill(int(children[0]), signal.SIGTERM)
            return
