"""The power fails while files are taken: what was acknowledged is there exactly once after the restart.

By hand: ``python -m tests.end_to_end.power_cut --cuts 200 --files 200 --seed 1`` (as root, on Linux with FUSE, loop
devices and ext4). The daemon works on an ext4 file system whose disk remembers each write and flush
(``recording_disk``). Then the disk is cut at random moments. Each image is mounted, which replays the journal of the
file system, and audited: every file whose ``file.ingested`` had been logged before the cut is there, no row is there
twice, none is there that nobody sent; after another ``attritiond ingest`` of all files, every row is there once.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end import drops, recording_disk
from tests.end_to_end.daemon_process import PROJECT, DaemonProcess, run_command
from tests.end_to_end.recount import Row, exported, recount

DISK_BYTES = 512 * 1024 * 1024
TOOLS = ("mkfs.ext4", "losetup", "mount", "umount")
SEARCH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
LARGE_ROWS, LARGE_EVERY = 150_000, 40
"""Each so many-th file is large enough for a part of its own."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``acknowledged``: files that had to be there, over all cuts; ``loose``: cuts that kept some unflushed blocks."""

    files: int
    rows: int
    cuts: int
    acknowledged: int
    in_flight: int
    loose: int
    flushes: int
    written_mb: float
    seconds: float


def why_not() -> str | None:
    """Why a disk cannot be cut here; None: it can."""
    missing = [tool for tool in TOOLS if shutil.which(tool, path=SEARCH) is None]
    if missing:
        return f"there is no {missing[0]}"
    if os.geteuid() != 0 or not Path("/dev/fuse").exists() or not Path("/dev/loop-control").exists():
        return "only root may mount, and FUSE and loop devices must be there"
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with _recorded(Path(scratch), 8 * 1024 * 1024):
                return None
        except (OSError, subprocess.CalledProcessError) as error:
            return f"nothing can be mounted here: {error}"


class PowerCut:
    """A daemon on a disk that remembers, and afterwards the cuts."""

    def __init__(self, scratch: Path, *, files: int, seed: int) -> None:
        self._scratch, self._seed = scratch, seed
        self._originals = scratch / "originals"
        self._paths = self._make(files)
        self._acknowledged: dict[str, int] = {}
        self._begin = 0

    def run(self, cuts: int) -> Outcome:
        """Take all files, then cut so often."""
        began = time.monotonic()
        self._record()
        log = self._scratch / "log"
        chance = drops.chance(self._seed + 1)
        positions = sorted(chance.randrange(self._begin, log.stat().st_size + 1) for _ in range(cuts))
        cutter = recording_disk.Cutter(self._scratch / "base", log, chance)
        rows_of = {path.name: recount([path]) for path in self._paths}
        known = [row for path in self._paths for row in rows_of[path.name]]
        sure = in_flight = loose = 0
        for position in positions:
            kept = cutter.cut(position)
            there = {name for name, at in self._acknowledged.items() if at <= position}
            try:
                in_flight += self._audit(kept, [row for name in sorted(there) for row in rows_of[name]], known)
            except AssertionError as error:
                raise AssertionError(f"cut at {position} of {log.stat().st_size} bytes: {error}") from None
            sure += len(there)
            loose += bool(kept)
        cutter.close()
        found = list(recording_disk.records(log))
        return Outcome(
            files=len(self._paths),
            rows=len(known),
            cuts=cuts,
            acknowledged=sure,
            in_flight=in_flight,
            loose=loose,
            flushes=sum(one.data is None for one in found),
            written_mb=sum(len(one.data or b"") for one in found) / 1e6,
            seconds=time.monotonic() - began,
        )

    def _make(self, files: int) -> list[Path]:
        """Files without a row in common. Their labels are of one kind: nothing is learned."""
        self._originals.mkdir()
        chance = drops.chance(self._seed)
        clients = drops.Clients(chance)
        paths = []
        for number in range(files):
            count = LARGE_ROWS if number % LARGE_EVERY == LARGE_EVERY // 2 else chance.choice((20, 60, 200, 2000))
            rows = [(*row[:-1], "0") for row in clients.rows(count)]
            paths.append(drops.drop(self._originals, f"drop-{number}.csv", drops.csv_text(rows)))
        return paths

    # -- the run that is recorded ---------------------------------------------------------------------------------

    def _record(self) -> None:
        with _recorded(self._scratch, DISK_BYTES) as mounted:
            root = mounted / "work"
            config = drops.workspace(root, drift={"policy": "never"}, ingestion={"finaldata_max_rows": 10_000})
            daemon = DaemonProcess(config)
            try:
                daemon.wait_for("folder.watched")
                os.sync()
                self._begin = (self._scratch / "log").stat().st_size
                sender = threading.Thread(target=self._send, args=(root / "sourcedata",))
                sender.start()
                daemon.until(lambda: self._watch(daemon), "all files are taken", seconds=600.0)
                sender.join()
                daemon.stop()
            finally:
                daemon.kill()

    def _send(self, source: Path) -> None:
        """As a sender does who wants to be sure: written beside, synced, renamed, the folder synced."""
        chance = drops.chance(self._seed + 2)
        for path in self._paths:
            beside = source / f".{path.name}.tmp"
            with beside.open("wb") as file:
                file.write(path.read_bytes())
                file.flush()
                os.fsync(file.fileno())
            beside.rename(source / path.name)
            folder = os.open(source, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
            time.sleep(chance.choice((0.0, 0.0, 0.02, 0.1)))

    def _watch(self, daemon: DaemonProcess) -> bool:
        """Note how far the disk had come, at the latest, when a file was acknowledged."""
        for line in daemon.events("file.ingested"):
            if line["file"] not in self._acknowledged:
                self._acknowledged[line["file"]] = (self._scratch / "log").stat().st_size
        return len(self._acknowledged) == len(self._paths)

    # -- what a cut leaves ----------------------------------------------------------------------------------------

    def _audit(self, kept: dict[int, bytes], acknowledged: list[Row], known: list[Row]) -> bool:
        """Look at one cut. Returns whether rows were there that had not been acknowledged."""
        image = self._scratch / "cut"
        subprocess.run(["cp", "--sparse=always", str(self._scratch / "base"), str(image)], check=True)  # noqa: S607
        with image.open("r+b") as file:
            for offset, data in kept.items():
                file.seek(offset)
                file.write(data)
        with _mounted(image, self._scratch / "look") as place:
            config = place / "work" / "config.json"
            there = Counter(exported(config))
            _compare(there, acknowledged, known)
            done = run_command(config, "ingest", *map(str, self._paths))
            assert done.returncode == 0, f"after the restart: {done.stderr}{done.stdout}"
            _compare(Counter(exported(config)), known, known)
        image.unlink()
        return there.total() > len(acknowledged)


def _compare(there: Counter[Row], least: list[Row], most: list[Row]) -> None:
    twice = [row for row, count in there.items() if count > 1]
    assert not twice, f"{len(twice)} rows are there twice: {twice[:3]}"
    lost = [row for row in least if row not in there]
    assert not lost, f"{len(lost)} rows are lost that were acknowledged: {lost[:3]}"
    strange = there.keys() - set(most)
    assert not strange, f"{len(strange)} rows are there that nobody sent: {sorted(strange)[:3]}"


@contextlib.contextmanager
def _recorded(scratch: Path, size: int) -> Iterator[Path]:
    """A new file system on a disk that remembers: ``scratch/base`` is how it was, ``scratch/log`` what followed."""
    base, image, fuse = scratch / "base", scratch / "image", scratch / "fuse"
    with base.open("wb") as file:
        file.truncate(size)
    _tool("mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", str(base))
    shutil.copyfile(base, image)
    (scratch / "log").write_bytes(b"")
    fuse.mkdir()
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.end_to_end.recording_disk", str(image), str(scratch / "log"), str(fuse)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        if server.stdout is None or not server.stdout.readline():
            raise OSError("the disk could not be served")
        try:
            with _mounted(fuse / recording_disk.NAME, scratch / "mounted") as place:
                yield place
        finally:
            _tool("umount", str(fuse))
    finally:
        try:
            server.wait(30.0)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        if server.stdout is not None:
            server.stdout.close()
        image.unlink()


@contextlib.contextmanager
def _mounted(image: Path, place: Path) -> Iterator[Path]:
    """The file system in this file; whatever happens, nothing stays mounted."""
    place.mkdir(exist_ok=True)
    device = _tool("losetup", "--find", "--show", str(image)).strip()
    try:
        _tool("mount", "-t", "ext4", device, str(place))
        try:
            yield place
        finally:
            _tool("umount", str(place))
    finally:
        _tool("losetup", "--detach", device)


def _tool(name: str, *arguments: str) -> str:
    path = shutil.which(name, path=SEARCH)
    return subprocess.run([path or name, *arguments], capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Cut as often as the command line says, and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    reason = why_not()
    if reason is not None:
        sys.exit(reason)
    with tempfile.TemporaryDirectory(prefix="attritiond-cuts-") as scratch:
        print(PowerCut(Path(scratch), files=options.files, seed=options.seed).run(options.cuts))


if __name__ == "__main__":
    main()
