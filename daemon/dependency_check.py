"""Once a day, in the background: which libraries have newer versions? The answer is cached beside the data set."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from daemon import log
from handlers.dependencies import canonical_name
from handlers.storage.atomic import write_atomically

RETRY_SECONDS = 3600.0
"""After an index that could not be reached."""
TIMEOUT_SECONDS = 300.0
_LOWEST_PRIORITY = 19


@dataclass(frozen=True, slots=True)
class Listing:
    """What one run of pip said: its exit code, its JSON, its debug log, and its errors."""

    code: int
    output: str
    log: str
    errors: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is cached. ``outdated``: newest version by name, None before the first answer of an index.

    ``checked_at``: of that answer. ``unanswered``: libraries that no index knew. ``unreachable``: why the last try,
    at ``tried_at``, brought nothing; None if it did.
    """

    tried_at: str | None = None
    checked_at: str | None = None
    outdated: Mapping[str, str] | None = None
    unanswered: tuple[str, ...] = ()
    unreachable: str | None = None


class DependencyCheck:
    """Asks the index that this machine's pip is configured with, and no other.

    ``path``: where the answer is kept, so that a restart does not ask again. ``listing`` and ``clock`` (seconds since
    1970) are those of the machine unless told otherwise.
    """

    def __init__(
        self,
        path: Path,
        interval_seconds: float = 86_400,
        delay_seconds: float = 60,
        listing: Callable[[], Awaitable[Listing]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._interval, self._delay = interval_seconds, delay_seconds
        self._listing, self._clock = listing or list_outdated, clock
        self._answer = _read(path)

    def cached(self) -> Mapping[str, object]:
        """Give the fields of the newest Answer; starts nothing."""
        document: dict[str, object] = msgspec.to_builtins(self._answer)
        return document

    async def run(self) -> None:
        """Check when a check is due, until cancelled; a check that is under way is then ended."""
        await asyncio.sleep(self._delay)
        while True:
            await asyncio.sleep(self.seconds_until_due())
            await self.check()

    def seconds_until_due(self) -> float:
        """Seconds until the next try, 0 if it is due."""
        if self._answer.tried_at is None:
            return 0.0
        wait = self._interval if self._answer.unreachable is None else min(self._interval, RETRY_SECONDS)
        age = self._clock() - datetime.fromisoformat(self._answer.tried_at).timestamp()
        return max(0.0, wait - age) if age >= 0 else 0.0  # a time in the future is that of a clock that was wrong

    async def check(self) -> None:
        """Ask now, and cache the answer, or why there was none. An answer that cannot be stored is kept in memory."""
        now = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        listing = await self._listing()
        self._answer = await asyncio.to_thread(read_listing, listing, self._answer, now)
        outdated = None if self._answer.outdated is None else len(self._answer.outdated)
        log.emit("dependencies.checked", reachable=self._answer.unreachable is None, outdated=outdated)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(write_atomically, self._path, msgspec.json.encode(self._answer) + b"\n")


def read_listing(listing: Listing, before: Answer, now: str) -> Answer:
    """Make the new answer; where no index answered, the old one with the reason.

    pip ends well and names nothing as outdated when it reaches no index, so its log decides: it has one paragraph for
    each library, in which a page of an index that answered is "Fetched".
    """
    if listing.code != 0:
        detail = (listing.errors.strip().splitlines() or ["no message"])[-1][:200]
        return replace(before, tried_at=now, unreachable=f"pip could not list the outdated libraries: {detail}")
    try:
        items = msgspec.json.decode(listing.output, type=list[_Outdated])
    except msgspec.DecodeError as error:
        return replace(before, tried_at=now, unreachable=f"What pip listed could not be read: {error}")
    asked, answered = _asked(listing.log)
    if asked and not answered:
        return replace(before, tried_at=now, unreachable="No package index could be reached.")
    outdated = {canonical_name(item.name): item.latest_version for item in items}
    return Answer(now, now, outdated, tuple(sorted(asked - answered)))


async def list_outdated() -> Listing:
    """Run this interpreter's pip at the lowest priority; ended after five minutes, and when cancelled."""
    with tempfile.TemporaryDirectory(prefix="attritiond-pip-") as folder:
        log = Path(folder) / "log"
        options = ("--disable-pip-version-check", "--no-input", "--retries", "1", "--timeout", "15", "--log", str(log))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pip", *options, "list", "--outdated", "--format=json"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, process.pid, _LOWEST_PRIORITY)
            async with asyncio.timeout(TIMEOUT_SECONDS):
                output, errors = await process.communicate()
        except TimeoutError:
            return Listing(1, "", "", f"no answer within {TIMEOUT_SECONDS:.0f} seconds")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        text = await asyncio.to_thread(log.read_text, "utf-8", "replace") if log.exists() else ""
        return Listing(
            process.returncode or 0, output.decode("utf-8", "replace"), text, errors.decode("utf-8", "replace")
        )


class _Outdated(msgspec.Struct):
    name: str
    latest_version: str


def _asked(log: str) -> tuple[set[str], set[str]]:
    """The libraries that pip asked for, and those of them that an index answered for."""
    asked: set[str] = set()
    answered: set[str] = set()
    name = ""
    for line in log.splitlines():
        _, found, rest = line.partition("location(s) to search for versions of ")
        if found:
            name = canonical_name(rest.strip().rstrip(":"))
            asked.add(name)
        elif name and " Fetched page " in line:
            answered.add(name)
    return asked, answered


def _read(path: Path) -> Answer:
    """What was cached; nothing where the file is missing or is not what we write."""
    try:
        answer = msgspec.json.decode(path.read_bytes(), type=Answer)
        if answer.tried_at is not None:
            datetime.fromisoformat(answer.tried_at)
    except (OSError, ValueError):
        return Answer()
    return answer
