"""Settled files go to the ingest worker in groups, and each file alone where a group fails."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from pathlib import Path

from daemon import log
from daemon.backlog import look
from daemon.intake import Intake, Settled
from daemon.tasks import Arrived, Ingest
from daemon.trouble import pause
from daemon.workers import TaskFailed, Worker, WorkerDied
from handlers.domain.files import shown_name

DEATHS = 2
"""So often the worker may die on a file alone, before it is refused unread."""
GROUP_FILES, GROUP_BYTES = 2_000, 1024**3
"""The most that is handed to the worker at once; it commits in smaller groups, and reads ahead only inside of it."""


class Taking:
    """Belongs to the event loop. ``problems`` is told under ``ingestion`` (the machine) and ``files`` (a file)."""

    def __init__(self, source: Path, worker: Worker, problems: dict[str, str]) -> None:
        self._source = source
        self._worker = worker
        self._problems = problems
        self._intake: Intake | None = None
        self._count = 0
        self._untold = 0
        self._last_commit = 0.0
        self._failures: dict[str, int] = {}
        self._retries: set[asyncio.Task[None]] = set()

    async def run(self, intake: Intake, *, committed: Callable[[], Awaitable[None]]) -> None:
        """Take what settles, for ever. ``committed`` is awaited after each group."""
        self._intake = intake
        while True:
            settled = await intake.settled()
            self._count = len(settled)
            for group in _groups(settled):
                await self._take(group)
                self._last_commit = asyncio.get_running_loop().time()
                await committed()
                self._untold = 0

    def waiting(self) -> int:
        """Files that have been seen and are not taken, or of whose commit nobody has been told."""
        seen = 1 if self._intake is None else self._intake.waiting_count()
        return seen + self._count + self._untold + len(self._retries)

    def quiet_since(self, now: float) -> float:
        """For how many seconds no file has come; 0 while one is there. One that has failed is not waited for."""
        seen = 0 if self._intake is None else self._intake.waiting_count()
        return 0.0 if self._count or seen else now - self._last_commit

    def again(self, names: Iterable[str]) -> None:
        """Take these anew, if they are still there."""
        if self._intake is not None:
            self._intake.again(names)

    async def _take(self, group: list[Settled]) -> None:
        if len(group) > 1:
            try:
                await self._commit(group)
                return
            except (WorkerDied, TaskFailed):
                pass  # one of them: which one shows when each is tried alone
        for one in group:
            await self._take_alone(one)

    async def _take_alone(self, one: Settled) -> None:
        """Take a file. The worker may die on it twice; then it is refused unread."""
        for deaths in range(DEATHS + 1):
            try:
                await self._commit([one], unread=deaths == DEATHS)
                return
            except WorkerDied as error:
                detail = str(error)
            except TaskFailed as error:
                detail = str(error)
                break
        await self._has_failed(one, detail)
        self._count -= 1

    async def _commit(self, group: list[Settled], *, unread: bool = False) -> None:
        """Have a group committed, however long a broken machine takes to heal.

        Raises WorkerDied or TaskFailed where it is not the machine that is at fault.
        """
        tries = 0
        while group:
            arrived = tuple(Arrived(os.fsencode(one.name), one.seen_at, unread, size=one.stamp.size) for one in group)
            try:
                await self._worker.submit(Ingest(arrived))
                break
            except (WorkerDied, TaskFailed) as error:
                if not error.broken:
                    self._problems.pop("ingestion", None)
                    raise
                self._problems["ingestion"] = f"Files cannot be taken: {error}"
            tries += 1
            await asyncio.sleep(pause(tries))
            there = await self._unchanged(group)
            self._count -= len(group) - len(there)
            group[:] = there
        self._count -= len(group)
        self._untold += len(group)
        self._problems.pop("ingestion", None)
        for one in group:
            self._forget_failure(one.name)

    async def _unchanged(self, group: list[Settled]) -> list[Settled]:
        """Those that lie there as they did. The others are gone, or new ones, which the intake hands out itself."""
        found = await asyncio.to_thread(look, self._source, [one.name for one in group])
        return [one for one in group if (now := found[one.name]) is not None and now.stamp == one.stamp]

    async def _has_failed(self, one: Settled, detail: str) -> None:
        """Our fault: have it recorded, and try again later."""
        tries = self._failures[one.name] = self._failures.get(one.name, 0) + 1
        self._tell_failures(f"{shown_name(one.name)} could not be taken: {detail}")
        try:
            await self._worker.submit(Ingest((Arrived(os.fsencode(one.name), one.seen_at, failed=detail),)))
        except (WorkerDied, TaskFailed):
            log.emit("file.failed", file=one.name, detail=detail)
        task = asyncio.get_running_loop().create_task(self._try_later(one, tries))
        self._retries.add(task)
        task.add_done_callback(self._retries.discard)

    async def _try_later(self, one: Settled, tries: int) -> None:
        await asyncio.sleep(pause(tries, broken=False))
        if await self._unchanged([one]):
            self.again([one.name])
        else:
            self._forget_failure(one.name)

    def _forget_failure(self, name: str) -> None:
        if self._failures.pop(name, None) is not None:
            self._tell_failures(f"{shown_name(next(iter(self._failures), ''))} could not be taken; the log says why.")

    def _tell_failures(self, sentence: str) -> None:
        if not self._failures:
            self._problems.pop("files", None)
            return
        others = len(self._failures) - 1
        self._problems["files"] = sentence if not others else f"{sentence} And {others} more."


def _groups(settled: Sequence[Settled]) -> Iterator[list[Settled]]:
    """All that waits, cut only where it is too much for one task."""
    group: list[Settled] = []
    size = 0
    for one in settled:
        if group and (len(group) >= GROUP_FILES or size + one.stamp.size > GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(one)
        size += one.stamp.size
    if group:
        yield group
