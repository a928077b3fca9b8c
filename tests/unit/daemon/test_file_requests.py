"""What senders ask for: a worker of cardboard, a real ledger and real folders, and time that passes at once."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from daemon.file_requests import ANSWER_SECONDS, FileRequests
from daemon.tasks import Check
from daemon.workers import TaskFailed, WorkerDied
from handlers.domain.files import FileRecord, FileStamp, FileState, Reason, RowCounts
from handlers.storage import files, published
from handlers.storage.inbox import Content
from server.services import NotDone
from tests.unit.daemon.virtual_time import at_once, run
from tests.unit.server.small_house import AT, House, checked_file, empty_house

CONTENT = b"a,b\n1,2\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class CardboardWorker:
    """Looks at the file that it is to check, and answers; ``error`` is raised instead."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, bytes]] = []
        self.at_once = self.most = 0
        self.error: Exception | None = None

    async def submit(self, task: Check) -> Any:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0.5)
        self.at_once -= 1
        content = Path(os.fsdecode(task.path)).read_bytes()
        self.seen.append((os.fsdecode(task.name), content))
        if self.error is not None:
            raise self.error
        found = checked_file(os.fsdecode(task.name), len(content))
        return {**found, "state": str(found["state"])}  # as it comes through the pipe


class Desk:
    """Requests over a house, and what they did to it."""

    def __init__(self, folder: Path) -> None:
        self.house: House = empty_house(folder)
        self.worker = CardboardWorker()
        self.scans = 0
        self.outcome: FileState | None = None
        house: Any = self.house
        worker: Any = self.worker
        self.requests = FileRequests(house, worker, self._scan)

    def _scan(self) -> None:
        """The daemon looks into the folder, and commits what it finds."""
        self.scans += 1
        if self.outcome is not None:
            self.record(self.outcome)

    def record(self, state: FileState, *, followed_up: bool = True) -> FileRecord:
        with self.house.ledger.write() as connection:
            seq = files.next_seq(connection)
            reason = Reason("quotes", "Never closed.") if state is FileState.QUARANTINED else None
            record = FileRecord(seq, "a.csv", SHA256, state, reason, (), RowCounts(), 0, 8, AT, AT, 0.1, 1)
            files.add_all(connection, [(record, FileStamp(1, 2, 8, 4, seq), followed_up)])
        return record

    def refuse(self) -> FileRecord:
        record = self.record(FileState.QUARANTINED)
        source = Content.of(CONTENT)
        published.write_quarantined(
            self.house.workspace, SHA256, name="a.csv", source=source, reason=record.reason or Reason("", "")
        )
        return record

    def spooled(self) -> list[Path]:
        folder = self.house.workspace.spill
        return list(folder.iterdir()) if folder.exists() else []


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(asyncio, "to_thread", at_once)
    return Desk(tmp_path)


def test_the_worker_reads_what_was_sent_and_nothing_stays(desk: Desk) -> None:
    found = run(desk.requests.check("caf\udce9.csv", CONTENT))
    assert desk.worker.seen == [("caf\udce9.csv", CONTENT)]
    assert (found["state"], found["bytes"]) == (FileState.INGESTED, len(CONTENT))
    assert desk.spooled() == []


def test_one_check_at_a_time_asks_for_the_worker(desk: Desk) -> None:
    async def several() -> None:
        await asyncio.gather(*(desk.requests.check(f"{number}.csv", CONTENT) for number in range(3)))

    run(several())
    assert (len(desk.worker.seen), desk.worker.most) == (3, 1)


@pytest.mark.parametrize("error", [WorkerDied("the worker died (SIGKILL)"), TaskFailed("KeyError in parsing.py:12")])
def test_a_check_that_fails_is_our_fault_and_leaves_nothing(desk: Desk, error: Exception) -> None:
    desk.worker.error = error
    with pytest.raises(NotDone, match="could not be checked") as failed:
        run(desk.requests.check("a.csv", CONTENT))
    assert failed.value.unavailable
    assert desk.spooled() == []


def test_a_folder_that_cannot_be_written_to_is_told(desk: Desk) -> None:
    desk.house.workspace.spill.write_text("a file in its place")
    with pytest.raises(NotDone, match="cannot be checked") as failed:
        run(desk.requests.check("a.csv", CONTENT))
    assert failed.value.unavailable


@pytest.mark.parametrize("state", [FileState.INGESTED, FileState.QUARANTINED])
def test_a_retry_is_answered_by_what_became_of_the_file(desk: Desk, state: FileState) -> None:
    desk.refuse()
    desk.outcome = state
    item, done = run(desk.requests.retry(SHA256[:8]))
    assert (item["state"], done, desk.scans) == (state, True, 1)
    assert (desk.house.workspace.source / "a.csv").read_bytes() == CONTENT


def test_a_retry_that_takes_long_is_answered_as_waiting(desk: Desk) -> None:
    record = desk.refuse()

    async def patient() -> tuple[Any, float]:
        began = asyncio.get_running_loop().time()
        answer = await desk.requests.retry(SHA256)
        return answer, asyncio.get_running_loop().time() - began

    (item, done), seconds = run(patient())
    assert (item["committed_at"], done) == (record.committed_at, False)
    assert ANSWER_SECONDS <= seconds < ANSWER_SECONDS + 1


def test_a_retry_is_answered_when_what_follows_the_commit_is_done(desk: Desk) -> None:
    desk.refuse()

    async def followed_up_later() -> None:
        retried = asyncio.create_task(desk.requests.retry(SHA256))
        await asyncio.sleep(0.5)
        record = desk.record(FileState.INGESTED, followed_up=False)
        await asyncio.sleep(0.5)
        assert not retried.done()
        with desk.house.ledger.write() as connection:
            files.set_published(connection, [record.seq])
        assert (await retried)[1]

    run(followed_up_later())


def test_a_retry_does_not_wait_for_ever_for_what_follows_the_commit(desk: Desk) -> None:
    desk.refuse()

    async def never_followed_up() -> tuple[Any, bool]:
        retried = asyncio.create_task(desk.requests.retry(SHA256))
        await asyncio.sleep(0.5)
        desk.record(FileState.INGESTED, followed_up=False)
        return await retried

    item, done = run(never_followed_up())
    assert (item["state"], done) == (FileState.INGESTED, True)


def test_what_is_not_refused_is_unknown(desk: Desk) -> None:
    desk.record(FileState.INGESTED)
    with pytest.raises(NotDone) as refused:
        run(desk.requests.retry(SHA256))
    assert refused.value.unknown
    assert desk.scans == 0


def test_a_source_folder_that_is_gone_is_told(desk: Desk) -> None:
    desk.refuse()
    desk.house.workspace.source.rmdir()
    with pytest.raises(NotDone, match="cannot be put back into the source folder") as failed:
        run(desk.requests.retry(SHA256))
    assert failed.value.unavailable
    assert not failed.value.unknown
