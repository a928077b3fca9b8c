"""What senders ask about their files over HTTP: what would happen to one, and taking a refused one again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from daemon.tasks import Check
from daemon.workers import TaskFailed, Worker, WorkerDied
from handlers import retrying
from handlers.domain.files import FileRecord
from handlers.house import House
from handlers.records import FileCheck, FileItem, file_item
from handlers.storage import files, spool
from server.services import NotDone

POLL_SECONDS = 0.05
ANSWER_SECONDS = 10.0
"""So long a retry waits for the file to be taken, and for what follows; if it is not taken, the answer is: it waits."""


class FileRequests:
    """Belongs to the event loop. ``scan`` has the source folder read."""

    def __init__(self, house: House, worker: Worker, scan: Callable[[], None]) -> None:
        """``worker``: the one for ingestion, which reads every file that comes from outside."""
        self._house = house
        self._worker = worker
        self._scan = scan
        self._checking, self._retrying = asyncio.Lock(), asyncio.Lock()

    async def check(self, name: str, content: bytes) -> FileCheck:
        """What would happen to a file of this name and content. Raises NotDone.

        One check at a time asks for the worker, so that files in the folder wait for one at most.
        """
        try:
            path = await asyncio.to_thread(spool.write, self._house.workspace.spill, content)
        except OSError as error:
            raise NotDone(f"It cannot be checked: {error.strerror or error}.", unavailable=True) from error
        try:
            async with self._checking:
                found = await self._worker.submit(Check(os.fsencode(path), os.fsencode(name)))
            return msgspec.convert(found, FileCheck)
        except (WorkerDied, TaskFailed) as error:
            detail = f"It could not be checked: {error}. Try again; the log says more."
            raise NotDone(detail, unavailable=True) from error
        finally:
            await asyncio.to_thread(spool.remove, path)

    async def retry(self, prefix: str) -> tuple[FileItem, bool]:
        """Put a refused file back into the source folder. Raises NotDone.

        Answers the newest record of its content, and whether that is a new one: False where it still waits.
        """
        async with self._retrying:
            before = await asyncio.to_thread(self._put_back, prefix)
            self._scan()
            until = _now() + ANSWER_SECONDS
            while (newest := await asyncio.to_thread(self._newest, before)).seq == before.seq:
                if _now() >= until:
                    return file_item(before), False
                await asyncio.sleep(POLL_SECONDS)
        while not await asyncio.to_thread(self._is_followed_up, newest) and _now() < until:
            await asyncio.sleep(POLL_SECONDS)
        return file_item(newest), True

    def _put_back(self, prefix: str) -> FileRecord:
        try:
            with self._house.ledger.read() as connection:
                record = retrying.find(connection, prefix)
            before = self._newest(record)
            retrying.put_back(self._house.workspace, record)
        except retrying.NotRetryable as error:
            raise NotDone(str(error), unknown=error.unknown) from error
        except (OSError, SQLAlchemyError) as error:
            detail = getattr(error, "strerror", None) or getattr(error, "orig", None) or error
            raise NotDone(f"It cannot be put back into the source folder: {detail}.", unavailable=True) from error
        return before

    def _newest(self, record: FileRecord) -> FileRecord:
        with self._house.ledger.read() as connection:
            return files.newest_of(connection, record.sha256 or "") or record

    def _is_followed_up(self, record: FileRecord) -> bool:
        with self._house.ledger.read() as connection:
            return files.are_followed_up(connection, [record.seq])


def _now() -> float:
    return asyncio.get_running_loop().time()
