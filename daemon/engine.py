"""The engine: settled files go to the ingest worker, what is undecided to the model worker, and nobody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from daemon import log
from daemon.intake import Intake, Settled
from daemon.known_files import KnownFiles
from daemon.settings import Settings
from daemon.tasks import Activate, Arrived, Decide, Ingest, Recover, Report, Rescore, ResetSchema
from daemon.workers import TaskFailed, Worker, WorkerDied
from handlers import decision_blocks
from handlers.domain.files import FileState
from handlers.storage import decisions, files, models
from handlers.storage.ledger import Ledger

DEATHS = 2
"""So often the worker may die on a file alone, or on a decision, before that is given up."""
QUIET_SECONDS = 0.25
"""So long no file must come before a decision starts: a burst of files is one block, not two."""
RETRY_SECONDS = 5.0
"""The pause after a task that failed: a full disk is not asked a thousand times a second."""
GROUP_FILES, GROUP_BYTES = 2_000, 256 * 1024 * 1024
"""The largest group of one commit: what the worker holds in memory has a bound, and progress is seen."""


@dataclass(slots=True)
class Standing:
    """What the ledger said last: what there is to decide, and how many files wait for a decision or a first model."""

    wanted: str | None = None
    undecided: int = 0
    unscored: int = 0
    unreported: bool = False


class Engine:
    """Two loops, one for each worker. All state is the event loop's; the ledger is read in threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        ledger: Ledger,
        workers: tuple[Worker, Worker],
        deployed: Callable[[], Awaitable[None]],
    ) -> None:
        """``workers``: for ingestion and for models. ``deployed``: called after a deployment."""
        self.settings = settings
        self.problems: dict[str, str] = {}
        self.known = KnownFiles(ledger)
        self.intake: Intake | None = None
        self.standing = Standing()
        self._ledger = ledger
        self._ingest_worker, self._model_worker = workers
        self._deployed = deployed
        self._taking = 0
        self._undecided_since: float | None = None
        self._last_commit = 0.0
        self._activity = asyncio.Event()

    async def prepare(self) -> None:
        """Put right what a killed process left, and read where things stand."""
        await self._ingest_worker.submit(Recover())
        await asyncio.to_thread(self.known.refresh)
        await self._look()

    def waiting(self) -> int:
        """Files that have been seen and are not taken, and those that no model could score yet."""
        seen = 0 if self.intake is None else self.intake.waiting_count()
        return seen + self._taking + self.standing.unscored

    # -- files ----------------------------------------------------------------------------------------------------

    async def take_files(self, intake: Intake) -> None:
        """Commit settled files in groups, for ever."""
        self.intake = intake
        while True:
            settled = await intake.settled()
            groups = list(_groups(settled))
            self._taking = len(settled)
            for group in groups:
                await self._take(
                    [Arrived(os.fsencode(one.name), one.seen_at) for one in group], more=group != groups[-1]
                )
                self._taking -= len(group)
                self._last_commit = time.monotonic()
                await asyncio.to_thread(self.known.refresh)
                await self._look()
            self._taking = 0

    async def _take(self, group: Sequence[Arrived], *, more: bool) -> None:
        try:
            await self._ingest_worker.submit(Ingest(tuple(group), more))
            self.problems.pop("ingestion", None)
        except (WorkerDied, TaskFailed) as error:
            if len(group) > 1:
                for one in group:
                    await self._take([one], more=True)
            elif isinstance(error, WorkerDied):
                await self._take_again(group[0])
            else:
                self._failed(group[0], str(error))

    async def _take_again(self, one: Arrived) -> None:
        """The worker has died on this file alone, once: try it again, then have it refused unread."""
        try:
            await self._ingest_worker.submit(Ingest((one,)))
            return
        except TaskFailed as error:
            self._failed(one, str(error))
            return
        except WorkerDied:
            pass
        try:
            await self._ingest_worker.submit(Ingest((Arrived(one.name, one.seen_at, unread=True),)))
        except (WorkerDied, TaskFailed) as error:
            self._failed(one, str(error))

    def _failed(self, one: Arrived, detail: str) -> None:
        """Our fault: say so, and try again later."""
        self.problems["ingestion"] = f"A file could not be taken: {detail}"
        name = os.fsdecode(one.name)
        log.emit("file.failed", file=name, detail=detail)
        if self.intake is not None:
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self.intake.again, [name])

    # -- decisions ------------------------------------------------------------------------------------------------

    async def decide(self) -> None:
        """Decide what is undecided, write reports when nothing is, for ever."""
        deaths = 0
        while True:
            work = await self._next_work()
            try:
                if work == "idle":
                    await self._model_worker.rest()
                elif work == "report":
                    await self._model_worker.submit(Report())
                elif await self._model_worker.submit(Decide(give_up=deaths >= DEATHS)) is not None:
                    await self._changed()
                deaths = 0
                self.problems.pop("learning", None)
            except (WorkerDied, TaskFailed) as error:
                deaths += 1
                self.problems["learning"] = f"A decision or a report could not be finished: {error}"
                await asyncio.sleep(RETRY_SECONDS if isinstance(error, TaskFailed) else 0)
            await self._look()

    async def _next_work(self) -> str:
        """Wait for something to do: "decide", "report", or "idle" once nothing has come for a while."""
        began = time.monotonic()
        while True:
            self._activity.clear()
            standing, now = self.standing, time.monotonic()
            if standing.wanted is not None and (self._is_quiet(now) or self._is_late(now)):
                return "decide"
            if standing.wanted is None and standing.unreported:
                return "report"
            idle = self.settings.engine.model_worker_idle_seconds
            if standing.wanted is None and self._model_worker.pid is not None and now - began >= idle:
                return "idle"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._activity.wait(), 0.05 if standing.wanted is not None else 1.0)

    def _is_quiet(self, now: float) -> bool:
        seen = 0 if self.intake is None else self.intake.waiting_count()
        return not self._taking and not seen and now - self._last_commit >= QUIET_SECONDS

    def _is_late(self, now: float) -> bool:
        since = self._undecided_since
        return since is not None and now - since >= self.settings.ingestion.decide_after_seconds

    # -- what others ask for --------------------------------------------------------------------------------------

    async def deploy(self, version: int | None) -> int:
        """Make a release the current one (None: the previous). Raises TaskFailed, WorkerDied.

        The ingest worker does it: nobody who goes back to an older model should wait for a training.
        """
        chosen = int(await self._ingest_worker.submit(Activate(version)))
        await self._changed()
        return chosen

    async def reset_schema(self) -> list[str]:
        """Learn the provisional schema anew; the files are taken again. Raises TaskFailed, WorkerDied."""
        names: list[str] = await self._ingest_worker.submit(ResetSchema())
        await asyncio.to_thread(self.known.forget)
        if self.intake is not None:
            self.intake.again(names)
        await self._look()
        return names

    async def _changed(self) -> None:
        await self._deployed()
        try:
            await self._ingest_worker.submit(Rescore())
        except (WorkerDied, TaskFailed) as error:
            self.problems["scoring"] = f"The newest drop could not be ranked: {error}"
        else:
            self.problems.pop("scoring", None)
        await self._look()

    async def _look(self) -> None:
        """Read where things stand, and wake whoever waits for it."""
        self.standing = await asyncio.to_thread(self._read_standing)
        if self.standing.wanted is None:
            self._undecided_since = None
        elif self._undecided_since is None:
            self._undecided_since = time.monotonic()
        self._activity.set()

    def _read_standing(self) -> Standing:
        with self._ledger.read() as connection:
            return Standing(
                wanted=decision_blocks.wanted(connection),
                undecided=decisions.undecided_files(connection),
                unscored=files.counts(connection).get(FileState.WAITING, 0),
                unreported=bool(models.unreported(connection)),
            )


def _groups(settled: Sequence[Settled]) -> Iterator[list[Settled]]:
    """All that waits, cut only where one commit would hold too much."""
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
