"""From the source folder to complete files: the watch, the scan and the settling, tied together.

Two loops run side by side. ``_keep_watch`` looks after the folder: once a second whether it is still the one that is
watched, and the scan at the start, after every doubt, and on a timer. ``_follow`` takes the hints, looks again at
what has come of age, and makes complete files available. All state is the event loop's; whatever touches the file
system runs in a thread, so that a slow share holds up nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

from daemon import log
from daemon.backlog import Found, Kind, Unavailable, look, not_an_input, scan, why_unavailable
from daemon.hints import Hint
from daemon.reading_ahead import WORTH_BYTES
from daemon.settling import Complete, Settling, Sign
from daemon.watcher import FolderWatch
from handlers.domain.files import FileStamp, Reason
from handlers.domain.ingestion_settings import IngestionSettings
from handlers.domain.ordering import natural_key

P = ParamSpec("P")
Answer = TypeVar("Answer")

_FOLDER_CHECK_SECONDS = 1.0
#: A look at the folder that takes so long hangs; 20,000 names on a slow share take a few seconds.
_SILENT_SECONDS = 30.0
#: So many names are handled before the event loop gets its turn: ``known`` may ask a database for each.
_AT_ONCE = 50
#: A large file waits so long for others that are moved in with it: they are read side by side, and it takes longer.
_COMPANY_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Settled:
    """What lies complete in the folder. ``ignored`` says why it is not an input; None: take it.

    ``seen_at`` is ISO 8601 UTC with milliseconds. The file may have changed or gone by the time it is opened.
    """

    name: str
    stamp: FileStamp
    seen_at: str
    kind: Kind
    ignored: Reason | None


class Intake:
    """Run ``run`` as a task, and take files with ``settled``. Everything here belongs to one event loop."""

    def __init__(
        self,
        folder: Path,
        settings: IngestionSettings,
        *,
        known: Callable[[str, FileStamp], bool],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """``known(name, stamp)``: has exactly this been taken before? Asked once for each name and stamp."""
        self._folder = folder
        self._settings = settings
        self._known = known
        self._clock = clock
        self._wall = wall
        self._settling = Settling(quiet_seconds=settings.quiet_seconds, settle_seconds=settings.settle_seconds)
        self._hints: deque[Hint] = deque()
        self._hinted = asyncio.Event()
        self._wanted = asyncio.Event()
        self._available = asyncio.Event()
        self._ready: dict[str, Settled] = {}
        #: What is there and no input: its kind, and the device and inode that were handed out as ignored.
        self._kinds: dict[str, Kind] = {}
        self._passed_over: dict[str, tuple[int, int]] = {}
        self._watch: FolderWatch | None = None
        self._problem: str | None = "The source folder has not been read yet."
        self._unwatched: str | None = None
        self._asked_at: float | None = None
        self._rescan_at = 0.0
        self._first_scan = True

    async def run(self) -> None:
        """Watch until cancelled. The folder may come and go; what goes wrong with it is told by ``problem``."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_watch(), name="intake: folder")
                tasks.create_task(self._follow(), name="intake: hints")
        finally:
            watch, self._watch = self._watch, None
            if watch is not None:
                watch.stop()

    async def settled(self) -> list[Settled]:
        """Wait until something is complete, then answer all that is, in natural name order, each once."""
        while not self._ready:
            await self._available.wait()
            if any(each.stamp.size >= WORTH_BYTES for each in self._ready.values()):
                await asyncio.sleep(_COMPANY_SECONDS)
        self._available.clear()
        ready, self._ready = self._ready, {}
        return sorted(ready.values(), key=lambda each: natural_key(each.name))

    def waiting_count(self) -> int:
        """How many inputs are known to lie there and have not been handed out; 1 while nobody has looked yet."""
        if self._first_scan:
            return 1
        names = {*self._settling.pending(), *self._ready}
        return sum(not_an_input(name, self._kinds.get(name, Kind.FILE)) is None for name in names)

    def problem(self) -> str | None:
        """Why files cannot be seen at the moment, or None."""
        silent = 0.0 if self._asked_at is None else self._clock() - self._asked_at
        if silent >= _SILENT_SECONDS:
            return f"The source folder {self._folder} has not answered for {silent:.0f} s: its disk or share hangs."
        return self._problem

    def problems(self) -> dict[str, str]:
        """The checks that fail: ``source_folder`` cannot be read, ``watcher``: it can, but not be watched."""
        found = {"source_folder": self.problem(), "watcher": self._unwatched}
        return {check: sentence for check, sentence in found.items() if sentence is not None}

    def request_scan(self) -> None:
        """Have the whole folder read now."""
        self._rescan_at = 0.0
        self._wanted.set()

    def again(self, names: Iterable[str]) -> None:
        """Hand these out once more, if they are still there: for files that failed through no fault of theirs."""
        for name in names:
            self._settling.forget(name)
            self._hints.append(Hint(Sign.MOVED_IN, name))
        self._hinted.set()

    # -- the folder ---------------------------------------------------------------------------------------------

    async def _keep_watch(self) -> None:
        while True:
            self._wanted.clear()
            doubt = await self._ask(self._watch.healthy) if self._watch else "The folder was not watched."
            if doubt is not None:
                await self._watch_anew(doubt)
            if self._clock() >= self._rescan_at:
                await self._scan()
            wait = min(_FOLDER_CHECK_SECONDS, max(0.0, self._rescan_at - self._clock()))
            with contextlib.suppress(TimeoutError):  # not wait_for: Python 3.11's loses a cancellation now and then
                async with asyncio.timeout(wait):
                    await self._wanted.wait()

    async def _watch_anew(self, doubt: str) -> None:
        """Replace the watch, and have everything looked at, since events went by unseen."""
        if self._watch is not None:
            stale, self._watch = self._watch, None
            await self._ask(stale.stop)
        watch = FolderWatch(self._folder, self._settings.observer, self._deliver_to(asyncio.get_running_loop()))
        self._watch = watch  # before it starts, so that a cancelled start is stopped as well
        try:
            await self._ask(watch.start)
        except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
            self._watch = self._unwatched = None
            self._has_problem(why_unavailable(self._folder, error))
            return
        except OSError as error:
            self._watch = None
            self._cannot_watch(error)
            return
        self._unwatched = None
        self._rescan_at = 0.0
        log.emit("folder.watched", folder=str(self._folder), observer=watch.kind, because=doubt)

    async def _scan(self) -> None:
        began = self._clock()
        self._rescan_at = began + self._settings.rescan_seconds
        found = await self._ask(scan, self._folder)
        if isinstance(found, Unavailable):
            self._rescan_at = began + min(_FOLDER_CHECK_SECONDS, self._settings.rescan_seconds)
            self._has_problem(found.detail)
            return
        if self._watch is not None or self._unwatched is not None:
            self._problem = None
        for position, each in enumerate(found):
            if position % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
            self._saw(each, Sign.SCANNED, age=self._age(each.stamp) if self._first_scan else None)
        self._first_scan = False
        present = {each.name for each in found}
        self._settling.forget_absent(present, before=began)
        for name in [name for name in self._passed_over if name not in present]:
            del self._passed_over[name]
        self._hinted.set()

    async def _ask(self, function: Callable[P, Answer], *args: P.args, **kwargs: P.kwargs) -> Answer:
        """Ask the file system in a thread; meanwhile ``problem`` knows since when."""
        self._asked_at = self._clock()
        try:
            return await asyncio.to_thread(function, *args, **kwargs)
        finally:
            self._asked_at = None

    def _cannot_watch(self, error: OSError) -> None:
        """The folder is there: it is read on the timer, and the watch tried again each second."""
        every = f"it is read every {self._settings.rescan_seconds:g} s instead"
        hint = "Set ingestion.observer to auto or polling, or raise fs.inotify.max_user_instances and max_user_watches."
        detail = f"The source folder {self._folder} cannot be watched: {error.strerror or error}; {every}. {hint}"
        if detail != self._unwatched:
            log.emit("folder.unavailable", folder=str(self._folder), detail=detail)
        self._unwatched = detail

    def _has_problem(self, detail: str) -> None:
        if detail != self._problem:
            log.emit("folder.unavailable", folder=str(self._folder), detail=detail)
        self._problem = detail

    def _deliver_to(self, loop: asyncio.AbstractEventLoop) -> Callable[[Hint], None]:
        def deliver(hint: Hint) -> None:
            self._hints.append(hint)
            if not self._hinted.is_set():  # set: it will be cleared before the hints are taken, this one included
                with contextlib.suppress(RuntimeError):  # the loop has ended, and the watch is about to
                    loop.call_soon_threadsafe(self._hinted.set)

        return deliver

    # -- the files ----------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            self._hinted.clear()
            await self._take_hints()
            await self._confirm()
            self._collect()  # what the scan found complete
            due = self._settling.next_due()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else max(0.0, due - self._clock())):
                    await self._hinted.wait()

    async def _take_hints(self) -> None:
        signs: dict[str, Sign] = {}
        while self._hints:
            hint = self._hints.popleft()
            if hint.sign is None:
                self.request_scan()
            elif signs.get(hint.name) is not Sign.MOVED_IN:
                signs[hint.name] = hint.sign
        await self._look(signs)

    async def _confirm(self) -> None:
        await self._look(dict.fromkeys(self._settling.to_confirm(self._clock()), Sign.SCANNED))

    async def _look(self, signs: dict[str, Sign]) -> None:
        names = list(signs)
        for start in range(0, len(names), _AT_ONCE):
            for name, found in (await asyncio.to_thread(look, self._folder, names[start : start + _AT_ONCE])).items():
                if found is None:
                    self._gone(name)
                else:
                    self._saw(found, signs[name])
            self._collect()

    def _saw(self, found: Found, sign: Sign, *, age: float | None = None) -> None:
        now = self._clock()
        if self._settling.has_taken(found.name, found.stamp):
            return
        if not self._settling.waits_for(found.name, found.stamp) and self._known(found.name, found.stamp):
            self._settling.mark_taken(found.name, found.stamp, now=now)
            return
        if found.kind is Kind.FILE:
            self._kinds.pop(found.name, None)
        else:
            self._kinds[found.name] = found.kind
        if not_an_input(found.name, found.kind) and sign is not Sign.SCANNED:
            sign = Sign.BEGUN  # a temporary name is not counted until it has stayed for a while
        self._settling.sighting(found.name, sign, now=now, stamp=found.stamp, age=age)

    def _gone(self, name: str) -> None:
        self._settling.forget(name)
        self._ready.pop(name, None)
        self._kinds.pop(name, None)
        self._passed_over.pop(name, None)
        if not self._ready:
            self._available.clear()

    def _collect(self) -> None:
        now = self._clock()
        for complete in self._settling.take(now):
            kind = self._kinds.pop(complete.name, Kind.FILE)
            ignored = not_an_input(complete.name, kind)
            inode = (complete.stamp.device, complete.stamp.inode)
            if ignored is not None:
                if self._passed_over.get(complete.name) == inode:
                    continue  # counted already; that it changed does not make it another
                self._passed_over[complete.name] = inode
            seen_at = self._seen_at(complete, now)
            self._ready[complete.name] = Settled(complete.name, complete.stamp, seen_at, kind, ignored)
        if self._ready:
            self._available.set()

    def _seen_at(self, complete: Complete, now: float) -> str:
        moment = datetime.fromtimestamp(self._wall() - (now - complete.first_seen), UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _age(self, stamp: FileStamp) -> float:
        """Seconds since content, name or owner last changed, by the wall clock; negative for a time to come."""
        return self._wall() - max(stamp.mtime_ns, stamp.ctime_ns) / 1e9
