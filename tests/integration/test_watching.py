"""The intake on a real folder, with real events."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
import structlog

from daemon.backlog import Kind
from daemon.hints import Hint
from daemon.intake import Intake, Settled
from daemon.settling import Sign
from daemon.watcher import FolderWatch
from handlers.domain.files import FileStamp
from handlers.domain.ingestion_settings import IngestionSettings

#: Short waits, and a rescan that is too late to help where it is not asked for.
FAST = IngestionSettings(observer="inotify", rescan_seconds=600.0, settle_seconds=0.3, quiet_seconds=0.02)
LONG_AGO = 1_600_000_000


@pytest.fixture(autouse=True)
def _quick_and_silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("daemon.intake._FOLDER_CHECK_SECONDS", 0.1)
    monkeypatch.setattr("daemon.watcher._POLLING_SECONDS", 0.1)
    structlog.configure(processors=[_drop])
    yield
    structlog.reset_defaults()


def _drop(*_: object) -> structlog.typing.EventDict:
    raise structlog.DropEvent


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "sourcedata"
    folder.mkdir()
    return folder


@asynccontextmanager
async def running(
    folder: Path,
    settings: IngestionSettings = FAST,
    known: Callable[[str, FileStamp], bool] = lambda _name, _stamp: False,
) -> AsyncIterator[Intake]:
    intake = Intake(folder, settings, known=known)
    task = asyncio.create_task(intake.run())
    try:
        yield intake
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def watched(intake: Intake) -> None:
    await until(lambda: intake.problem() is None)


async def take(intake: Intake, count: int, seconds: float = 5.0) -> list[Settled]:
    taken: list[Settled] = []
    async with asyncio.timeout(seconds):
        while len(taken) < count:
            taken += await intake.settled()
    return taken


async def nothing_comes(intake: Intake, seconds: float = 0.5) -> None:
    with pytest.raises(TimeoutError):
        await take(intake, 1, seconds)


def drop(folder: Path, name: str, content: str = "a,b\n") -> Path:
    """Put a complete file into the folder by a rename from beside it."""
    beside = folder.parent / f"{name}.outside"
    beside.write_text(content)
    return beside.rename(folder / name)


async def test_a_file_that_is_renamed_into_the_folder_is_taken_within_milliseconds(source: Path) -> None:
    async with running(source) as intake:
        await watched(intake)
        seconds = []
        for number in range(20):
            began = time.perf_counter()
            drop(source, f"{number}.csv")
            (settled,) = await take(intake, 1)
            seconds.append(time.perf_counter() - began)
            assert (settled.name, settled.kind, settled.ignored) == (f"{number}.csv", Kind.FILE, None)
            assert settled.stamp == FileStamp.of((source / settled.name).stat())
        assert sorted(seconds)[10] < 0.010


async def test_a_move_out_does_not_hold_up_the_next_move_in(source: Path) -> None:
    async with running(source) as intake:
        await watched(intake)
        drop(source, "1.csv")
        await take(intake, 1)
        (source / "1.csv").rename(source.parent / "archived.csv")
        began = time.perf_counter()
        drop(source, "2.csv")
        await take(intake, 1)
        assert time.perf_counter() - began < 0.2


async def test_a_file_that_is_written_in_place_is_taken_when_it_was_closed_and_is_complete(source: Path) -> None:
    async with running(source) as intake:
        await watched(intake)
        with (source / "slow.csv").open("w") as file:
            for _ in range(5):
                file.write("1,2\n")
                file.flush()
                await asyncio.sleep(0.02)
        (settled,) = await take(intake, 1)
        assert settled.stamp.size == 20


async def test_at_the_start_old_files_are_taken_at_once_in_natural_order_and_fresh_ones_later(source: Path) -> None:
    for name in ("drop10.csv", "drop2.csv"):
        os.utime(drop(source, name), (LONG_AGO, LONG_AGO))
    await asyncio.sleep(FAST.settle_seconds)
    drop(source, "fresh.csv")
    async with running(source) as intake:
        assert [each.name for each in await intake.settled()] == ["drop2.csv", "drop10.csv"]
        assert intake.waiting_count() == 1
        assert [each.name for each in await take(intake, 1)] == ["fresh.csv"]
        assert intake.waiting_count() == 0


async def test_what_is_known_is_not_delivered(source: Path) -> None:
    stamp = FileStamp.of(drop(source, "known.csv").stat())
    drop(source, "new.csv")
    async with running(source, known=lambda name, seen: (name, seen) == ("known.csv", stamp)) as intake:
        assert [each.name for each in await take(intake, 1)] == ["new.csv"]
        intake.request_scan()
        await nothing_comes(intake)


async def test_a_file_comes_again_when_it_was_replaced_or_asked_for(source: Path) -> None:
    async with running(source) as intake:
        await watched(intake)
        for content in ("one", "two"):
            drop(source, "a.csv", content)
            assert [each.name for each in await take(intake, 1)] == ["a.csv"]
        intake.again(["a.csv", "gone.csv"])
        assert [each.name for each in await take(intake, 1)] == ["a.csv"]


async def test_a_hard_link_which_makes_no_event_is_found_by_the_rescan(source: Path) -> None:
    settings = IngestionSettings(observer="inotify", rescan_seconds=0.1, settle_seconds=0.1)
    async with running(source, settings) as intake:
        await watched(intake)
        (source.parent / "outside").write_text("x")
        (source / "linked.csv").hardlink_to(source.parent / "outside")
        assert [each.name for each in await take(intake, 1)] == ["linked.csv"]


async def test_what_is_no_input_is_delivered_once_and_marked_but_not_a_temporary_name_that_goes(source: Path) -> None:
    (source / "sub").mkdir()
    (source / "link.csv").symlink_to("sub")
    async with running(source) as intake:
        await watched(intake)
        (source / "a.csv.part").write_text("1")
        (source / "notes.txt").write_text("1")
        assert intake.waiting_count() == 0
        await asyncio.sleep(0.05)
        (source / "a.csv.part").rename(source / "a.csv")
        taken = {each.name: each for each in await take(intake, 4)}
        reasons = {name: each.ignored.code if each.ignored else None for name, each in taken.items()}
        assert reasons == {"a.csv": None, "notes.txt": "not_csv", "link.csv": "link", "sub": "folder"}
        (source / "notes.txt").write_text("changed")
        (source / "sub" / "inside.csv").write_text("")
        intake.request_scan()
        await nothing_comes(intake, 2.5 * FAST.settle_seconds)


async def test_files_come_with_names_that_are_not_utf_8(source: Path) -> None:
    async with running(source) as intake:
        await watched(intake)
        beside = source.parent / "beside"
        beside.write_text("x")
        beside.rename(source / os.fsdecode(b"\xfc.csv"))
        (settled,) = await take(intake, 1)
        assert os.fsencode(settled.name) == b"\xfc.csv"


async def _move_away_and_make_anew(source: Path, intake: Intake) -> None:
    source.rename(source.parent / "away")
    await until(lambda: intake.problem() is not None)
    problem = intake.problem()
    assert problem is not None
    assert "does not exist" in problem
    source.mkdir()


async def _swap(source: Path, _: Intake) -> None:
    source.rename(source.parent / "away")
    source.mkdir()


async def _remove_and_make_anew(source: Path, _: Intake) -> None:
    source.rmdir()
    source.mkdir()


@pytest.mark.parametrize("replace", [_move_away_and_make_anew, _swap, _remove_and_make_anew])
@pytest.mark.parametrize("observer", ["inotify", "polling"])
async def test_a_folder_that_was_replaced_is_watched_and_read_again(
    source: Path, observer: Literal["inotify", "polling"], replace: Callable[[Path, Intake], Awaitable[None]]
) -> None:
    settings = IngestionSettings(observer=observer, rescan_seconds=600.0, settle_seconds=0.1)
    async with running(source, settings) as intake:
        await watched(intake)
        await replace(source, intake)
        drop(source, "after.csv")
        assert [each.name for each in await take(intake, 1)] == ["after.csv"]
        await watched(intake)
        if observer == "inotify":
            began = time.perf_counter()
            drop(source, "later.csv")
            await take(intake, 1)
            assert time.perf_counter() - began < 0.2, "by an event again"


async def test_a_folder_that_is_missing_at_the_start_is_taken_up_when_it_comes(source: Path) -> None:
    source.rmdir()
    async with running(source) as intake:
        await until(lambda: "does not exist" in (intake.problem() or ""))
        source.mkdir()
        drop(source, "a.csv")
        assert [each.name for each in await take(intake, 1)] == ["a.csv"]


async def test_a_source_folder_that_is_a_file_is_a_problem_until_it_is_a_folder(source: Path) -> None:
    source.rmdir()
    source.write_text("")
    async with running(source) as intake:
        await until(lambda: "is not a folder" in (intake.problem() or ""))
        source.unlink()
        source.mkdir()
        drop(source, "a.csv")
        assert [each.name for each in await take(intake, 1)] == ["a.csv"]


async def test_a_source_folder_that_is_a_link_is_watched_through_it(source: Path) -> None:
    link = source.parent / "link"
    link.symlink_to(source)
    async with running(link) as intake:
        await watched(intake)
        drop(source, "a.csv")
        assert [each.name for each in await take(intake, 1, 0.5)] == ["a.csv"]


async def test_lost_events_are_made_good_by_a_scan(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's overflow notice, put where watchdog takes it from, while the events themselves are lost."""
    from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, InotifyFD, WatchDescriptor

    real = InotifyFD.read_events
    readers: set[InotifyFD] = set()

    def overflowing(self: InotifyFD, **options: int) -> list[InotifyEvent]:
        readers.add(self)
        events = real(self, **options)
        return [InotifyEvent(WatchDescriptor(-1), InotifyConstants.IN_Q_OVERFLOW, 0, b"")] if events else []

    monkeypatch.setattr(InotifyFD, "read_events", overflowing)
    async with running(source) as intake:
        await watched(intake)
        drop(source, "lost.csv")
        assert [each.name for each in await take(intake, 1, 2.0)] == ["lost.csv"]
    assert readers


async def test_a_dead_reader_is_replaced(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    async with running(source) as intake:
        await watched(intake)
        with monkeypatch.context() as broken:
            from daemon.inotify import InotifySource

            broken.setattr(InotifySource, "on_event", None)
            drop(source, "lost.csv")
            assert [each.name for each in await take(intake, 1, 4.0)] == ["lost.csv"]
        await watched(intake)
        drop(source, "next.csv")
        assert [each.name for each in await take(intake, 1, 0.5)] == ["next.csv"]


def test_nothing_is_delivered_after_the_end_of_a_watch_and_it_says_that_it_has_ended(source: Path) -> None:
    hints: list[Hint] = []
    watch = FolderWatch(source, "inotify", hints.append)
    watch.start()
    assert watch.healthy() is None
    watch.stop()
    drop(source, "a.csv")
    assert hints == []
    assert watch.healthy() is not None


async def test_polling_sees_files_too_and_calls_them_begun(source: Path) -> None:
    hints: list[Hint] = []
    watch = FolderWatch(source, "polling", hints.append)
    watch.start()
    try:
        drop(source, "a.csv")
        await until(lambda: Hint(Sign.BEGUN, "a.csv") in hints)
        assert watch.kind == "polling"
    finally:
        watch.stop()


@pytest.mark.parametrize(("shared", "kind"), [(True, "polling"), (False, "inotify")])
def test_auto_chooses_by_the_file_system(
    source: Path, monkeypatch: pytest.MonkeyPatch, kind: str, *, shared: bool
) -> None:
    monkeypatch.setattr("daemon.watcher.is_shared", lambda _folder: shared)
    watch = FolderWatch(source, "auto", lambda _hint: None)
    watch.start()
    try:
        assert watch.kind == kind
    finally:
        watch.stop()


def test_without_an_inotify_instance_auto_polls_and_inotify_says_why(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: object, _folder: Path, _deliver: object) -> None:
        raise OSError(24, "inotify instance limit reached")

    monkeypatch.setattr("daemon.inotify.InotifySource.__init__", refuse)
    watch = FolderWatch(source, "auto", lambda _hint: None)
    watch.start()
    watch.stop()
    assert watch.kind == "polling"
    with pytest.raises(OSError, match="instance limit"):
        FolderWatch(source, "inotify", lambda _hint: None).start()


_MOVER = """
import os, sys
beside, folder, tag, count = *sys.argv[1:4], int(sys.argv[4])
for number in range(count):
    open(f"{beside}/{tag}{number}.csv", "w").close()
for number in range(count):
    os.rename(f"{beside}/{tag}{number}.csv", f"{folder}/{tag}{number}.csv")
"""


async def test_a_burst_of_two_processes_is_taken_whole_and_each_file_once(source: Path) -> None:
    count = 1000
    async with running(source) as intake:
        await watched(intake)
        movers = [
            subprocess.Popen([sys.executable, "-c", _MOVER, source.parent, source, tag, str(count)]) for tag in "ab"
        ]
        taken = [each.name for each in await take(intake, 2 * count, 30.0)]
        for mover in movers:
            assert await asyncio.to_thread(mover.wait, 10) == 0
        assert sorted(taken) == sorted(f"{tag}{number}.csv" for tag in "ab" for number in range(count))
        await nothing_comes(intake)


async def test_a_folder_that_can_be_read_but_not_watched_is_told_so_and_read_on_the_timer(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = FolderWatch.start

    def refuse(_watch: FolderWatch) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(FolderWatch, "start", refuse)
    settings = IngestionSettings(rescan_seconds=0.05, settle_seconds=0.1)
    async with running(source, settings) as intake:
        await until(lambda: set(intake.problems()) == {"watcher"})
        assert "cannot be watched: Too many open files; it is read every 0.05 s instead" in intake.problems()["watcher"]
        drop(source, "a.csv")
        assert [each.name for each in await take(intake, 1)] == ["a.csv"]
        monkeypatch.setattr(FolderWatch, "start", start)
        await until(lambda: intake.problems() == {})


async def test_a_folder_that_does_not_answer_is_told_after_a_while(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back, now = threading.Event(), [100.0]
    healthy = FolderWatch.healthy

    def hang(watch: FolderWatch) -> str | None:
        back.wait(30.0)
        return healthy(watch)

    intake = Intake(source, IngestionSettings(), known=lambda _name, _stamp: False, clock=lambda: now[0])
    task = asyncio.create_task(intake.run())
    try:
        await until(lambda: intake.problems() == {})
        monkeypatch.setattr(FolderWatch, "healthy", hang)
        intake.request_scan()
        await until(lambda: intake._asked_at is not None)
        now[0] += 42
        assert intake.problems() == {
            "source_folder": f"The source folder {source} has not answered for 42 s: its disk or share hangs."
        }
        back.set()
        await until(lambda: intake.problems() == {})
    finally:
        back.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
