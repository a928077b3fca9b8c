"""The engine: settled files go to the ingest worker, what is undecided to the model worker, and nobody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy.exc import SQLAlchemyError

from daemon.intake import Intake
from daemon.known_files import KnownFiles
from daemon.settings import Settings
from daemon.taking import Taking
from daemon.tasks import (
    Compact,
    Decide,
    Recover,
    ReleaseFiles,
    Report,
    Rescore,
    ResetSchema,
    WriteFinaldata,
)
from daemon.trouble import FIRST_PAUSE_SECONDS, Trouble, pause
from daemon.workers import TaskFailed, Worker, WorkerDied
from handlers import decision_blocks
from handlers.domain.files import FileState
from handlers.storage import decisions, files, models, versions
from handlers.storage.ledger import Ledger

FAULTS = 2
"""So often a decision may fail through its own fault, the death of its worker included, before it is given up."""
QUIET_SECONDS = 0.25
"""So long no file must come before a decision starts: a burst of files is one block, not two."""
FINALDATA_QUIET_SECONDS, FINALDATA_LATEST_SECONDS = 1.0, 15.0
"""finaldata.csv is written when no file has come for so long, and after so long while they keep coming."""
COMPACT_QUIET_SECONDS, COMPACT_LATEST_SECONDS = 2.0, 10.0
"""The same for putting small parts of the data set together."""

Work = Literal["deployment", "decision", "report"]
PROBLEM: dict[Work, str] = {
    "deployment": "The current model could not be taken into use",
    "decision": "A decision could not be finished",
    "report": "A report could not be written",
}


@dataclass(slots=True)
class Standing:
    """What the ledger said last: the current model, what there is to decide, and how many files wait for a decision
    or a first model. ``last_drop_at``: when rows last came in, ISO 8601 UTC."""

    model: int | None = None
    wanted: str | None = None
    undecided: int = 0
    unscored: int = 0
    unreported: bool = False
    finaldata: bool = False
    last_drop_at: str | None = None


class Engine:
    """Two loops, one for each worker. All state is the event loop's; the ledger is read in threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        ledger: Ledger,
        source: Path,
        workers: tuple[Worker, Worker],
        deployed: Callable[[], Awaitable[bool]],
    ) -> None:
        """``workers``: for ingestion and for models. ``deployed``: has the current release served; False: it cannot."""
        self.settings = settings
        self.problems: dict[str, str] = {}
        self.known = KnownFiles(ledger)
        self.standing = Standing()
        self._ledger = ledger
        self._ingest_worker, self._model_worker = workers
        self._deployed = deployed
        self._taking = Taking(source, self._ingest_worker, self.problems)
        self._followed: int | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._trouble: dict[Work, Trouble] = {work: Trouble() for work in PROBLEM}
        self._undecided_since: float | None = None
        self._look_again_at = 0.0
        self._activity = asyncio.Event()
        self._looking, self._following = asyncio.Lock(), asyncio.Lock()

    async def prepare(self) -> None:
        """Put right what a killed process left, however long a broken machine takes, and read where things stand."""
        tries = 0
        while True:
            try:
                await self._ingest_worker.submit(Recover())
                break
            except (WorkerDied, TaskFailed) as error:
                tries += 1
                self.problems["recovery"] = f"What the last run left could not be put right: {error}"
            await asyncio.sleep(pause(tries))
        self.problems.pop("recovery", None)
        await self._look()

    async def take_files(self, intake: Intake) -> None:
        """Commit settled files in groups, for ever."""
        await self._taking.run(intake, committed=self._look)

    def waiting(self) -> int:
        """Files that have been seen and are not taken, and those that no model could score yet."""
        return self._taking.waiting() + self.standing.unscored

    def undecided(self) -> int:
        """Files on which no decision has ended; at least 1 while a new model is not in use yet."""
        return max(self.standing.undecided, int(self.standing.model != self._followed))

    # -- decisions ------------------------------------------------------------------------------------------------

    async def decide(self) -> None:
        """Have a new model used, decide what is undecided, write reports when nothing is, for ever."""
        while True:
            work = await self._next_work()
            if work is None:
                await self._model_worker.rest()
            else:
                await self._attempt(work)
            await self._look()

    async def _attempt(self, work: Work) -> None:
        """Do it; where it fails, say so, and when it may be tried again."""
        trouble = self._trouble[work]
        given_up = work == "decision" and trouble.faults >= FAULTS
        try:
            if work == "deployment":
                await self._follow()
            elif work == "report":
                await self._model_worker.submit(Report())
            else:
                await self._decide(give_up=given_up)
        except (WorkerDied, TaskFailed) as error:
            trouble.failed(_now(), broken=error.broken, died=isinstance(error, WorkerDied))
            self.problems[work] = f"{PROBLEM[work]}: {error}"
        else:
            trouble.over(_now(), given_up=given_up)
            self.problems.pop(work, None)

    async def _decide(self, *, give_up: bool) -> None:
        version = await self._model_worker.submit(Decide(give_up))
        if version is not None:
            self.standing.model = version
            await self._attempt("deployment")

    async def _next_work(self) -> Work | None:
        """Wait for something to do; None once nothing has come for a while, and the model worker may go."""
        began = _now()
        while True:
            self._activity.clear()
            now = _now()
            if "ledger" in self.problems and now >= self._look_again_at:
                await self._look()
            work = self._due(now)
            if work is not None:
                return work
            idle = self.settings.engine.model_worker_idle_seconds
            if self.standing.wanted is None and self._model_worker.pid is not None and now - began >= idle:
                return None
            with contextlib.suppress(TimeoutError):  # not wait_for: Python 3.11's loses a cancellation now and then
                async with asyncio.timeout(0.05 if self.standing.wanted is not None else 1.0):
                    await self._activity.wait()

    def _due(self, now: float) -> Work | None:
        standing = self.standing
        wanted: dict[Work, bool] = {
            "deployment": standing.model != self._followed,
            "decision": standing.wanted is not None and (self._is_quiet(now) or self._is_late(now)),
            "report": standing.wanted is None and standing.unreported,
        }
        return next((work for work in wanted if wanted[work] and now >= self._trouble[work].not_before), None)

    def _is_quiet(self, now: float) -> bool:
        return self._taking.quiet_since(now) >= QUIET_SECONDS

    def _is_late(self, now: float) -> bool:
        since = self._undecided_since
        return since is not None and now - since >= self.settings.ingestion.decide_after_seconds

    # -- finaldata.csv --------------------------------------------------------------------------------------------

    async def keep_finaldata(self) -> None:
        """Write ``finaldata.csv`` when no file has come for a while, and now and then while they keep coming."""
        written_at = _now()
        tries = 0
        while True:
            await asyncio.sleep(FINALDATA_QUIET_SECONDS / 4)
            now = _now()
            quiet = self._taking.quiet_since(now) >= FINALDATA_QUIET_SECONDS
            if self.standing.finaldata and (quiet or now - written_at >= FINALDATA_LATEST_SECONDS):
                try:
                    await self._ingest_worker.submit(WriteFinaldata())
                    self.problems.pop("finaldata", None)
                    tries = 0
                except (WorkerDied, TaskFailed) as error:
                    tries += 1
                    self.problems["finaldata"] = f"finaldata.csv could not be written: {error}"
                    await asyncio.sleep(pause(tries, broken=error.broken))
                written_at = _now()
                await self._look()

    # -- small parts ----------------------------------------------------------------------------------------------

    async def compact(self) -> None:
        """Have small parts put together when no file has come for a while, and now and then while they keep coming."""
        looked_at, done_at = _now(), float("-inf")
        tries = 0
        while True:
            await asyncio.sleep(COMPACT_QUIET_SECONDS / 4)
            now = _now()
            quiet = self._taking.quiet_since(now)
            if quiet < COMPACT_QUIET_SECONDS and now - looked_at < COMPACT_LATEST_SECONDS:
                continue
            if done_at > now - quiet:  # nothing has come since there was nothing to do
                continue
            looked_at = now
            try:
                done_at = done_at if await self._ingest_worker.submit(Compact()) else now
                self.problems.pop("compaction", None)
                tries = 0
            except (WorkerDied, TaskFailed) as error:
                tries += 1
                self.problems["compaction"] = f"Small parts of the data set could not be put together: {error}"
                await asyncio.sleep(pause(tries, broken=error.broken))

    # -- what others ask for --------------------------------------------------------------------------------------

    def deployed_by_hand(self, version: int | None) -> None:
        """A release was deployed and is served: what waits for it is ranked, and nobody waits for that.

        None: it could not be done, or not to its end; what the ledger says is followed.
        """
        self.standing.model = version or self.standing.model
        task = asyncio.create_task(self._catch_up())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _catch_up(self) -> None:
        await self._look()
        if self.standing.model != self._followed:
            await self._attempt("deployment")
            await self._look()

    async def reset_schema(self) -> list[str]:
        """Learn the provisional schema anew; the files are taken again. Raises TaskFailed, WorkerDied."""
        async with self._model_worker.paused():  # a decision must not lose its rows while it is made
            names: list[str] = await self._ingest_worker.submit(ResetSchema())
        await asyncio.to_thread(self.known.forget)
        self._taking.again(names)
        await self._look()
        return names

    async def release(self, sha256: Sequence[str]) -> list[dict[str, Any]]:
        """Let held files be learned from; a decision on them follows. Raises TaskFailed, WorkerDied."""
        try:
            released: list[dict[str, Any]] = await self._ingest_worker.submit(ReleaseFiles(tuple(sha256)))
        finally:
            await self._look()
        return released

    async def _follow(self) -> None:
        """Serve the current model, and rank with it what waits for it. Raises TaskFailed, WorkerDied."""
        async with self._following:
            version = self.standing.model
            if version == self._followed:
                return
            if not await self._deployed():
                raise TaskFailed("its release cannot be used", broken=True)
            await self._ingest_worker.submit(Rescore())
            self._followed = version

    async def _look(self) -> None:
        """Read where things stand, and wake whoever waits for it. Where that fails it is told, and tried again."""
        async with self._looking:  # so that an older answer never replaces a newer one
            try:
                self.standing = await asyncio.to_thread(self._read_standing)
                self.problems.pop("ledger", None)
            except (SQLAlchemyError, OSError) as error:
                self.problems["ledger"] = f"The ledger cannot be read: {getattr(error, 'orig', None) or error}"
                self._look_again_at = _now() + FIRST_PAUSE_SECONDS
                return
        if self.standing.wanted is None:
            self._undecided_since = None
        elif self._undecided_since is None:
            self._undecided_since = _now()
        self._activity.set()

    def _read_standing(self) -> Standing:
        self.known.refresh()
        with self._ledger.read() as connection:
            return Standing(
                model=models.current(connection),
                wanted=decision_blocks.wanted(connection),
                undecided=decisions.undecided_files(connection),
                unscored=files.counts(connection).get(FileState.WAITING, 0),
                unreported=bool(models.unreported(connection)),
                finaldata=versions.finaldata_is_behind(connection),
                last_drop_at=files.newest_arrival(connection),
            )


def _now() -> float:
    return asyncio.get_running_loop().time()
