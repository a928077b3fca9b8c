"""When is a dropped file complete? A pure state machine: it never looks, it is told what was seen and when.

A file is **settled** when one of these holds, in this order:

1. It was moved into the folder. A rename is atomic, so the file is complete at once.
2. It was closed after writing and then held still for ``quiet_seconds``.
3. It was found by the scan at the start and its age (by the wall clock, of its content and of its name) is at least
   ``settle_seconds``. A negative age, a time in the future, proves nothing: clocks go back.
4. It was found in any other way and then held still for ``settle_seconds``.

*Held still* means: seen with the same stamp (device, inode, size, mtime, ctime) at both ends of the time. A changed
stamp begins the wait anew, by rule 4 unless the sighting itself says more. What was handed out once is not handed out
again under the same name and stamp. A file that is gone is forgotten.

All times are seconds of a clock that never goes back.
"""

from __future__ import annotations

import heapq
from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum

from handlers.domain.files import FileStamp


class Sign(StrEnum):
    """What a sighting says about the file, beside that it is there."""

    MOVED_IN = "moved_in"
    CLOSED = "closed"
    BEGUN = "begun"
    SCANNED = "scanned"


@dataclass(frozen=True, slots=True)
class Complete:
    """A settled file. ``first_seen`` is when its name was first seen while it was waited for."""

    name: str
    stamp: FileStamp
    first_seen: float


@dataclass(slots=True)
class _Pending:
    stamp: FileStamp
    first_seen: float
    due_at: float


class Settling:
    """Follows each name from its first sighting until its file is settled."""

    def __init__(self, *, quiet_seconds: float, settle_seconds: float) -> None:
        """Both in seconds; see the rules above."""
        self._quiet = quiet_seconds
        self._settle = settle_seconds
        self._pending: dict[str, _Pending] = {}
        self._complete: dict[str, Complete] = {}
        self._taken: dict[str, tuple[FileStamp, float]] = {}
        #: (due_at, name); an entry whose name has another due_at by now is stale and skipped.
        self._schedule: list[tuple[float, str]] = []

    def sighting(self, name: str, sign: Sign, *, now: float, stamp: FileStamp | None, age: float | None = None) -> None:
        """Take in that ``name`` was seen at ``now``. ``stamp`` None: it is gone. ``age`` only counts when scanned."""
        if stamp is None:
            self.forget(name)
            return
        if self.has_taken(name, stamp):
            self._pending.pop(name, None)
            self._complete.pop(name, None)
            return
        done = self._complete.get(name)
        if done is not None and done.stamp == stamp:
            return
        self._complete.pop(name, None)
        due_at = now + self._wait(sign, age)
        pending = self._pending.get(name)
        if pending is not None and pending.stamp == stamp:
            due_at = min(due_at, pending.due_at)
            first_seen = pending.first_seen
        else:
            earlier = pending or done
            first_seen = earlier.first_seen if earlier else now
        if due_at <= now:
            self._pending.pop(name, None)
            self._complete[name] = Complete(name, stamp, first_seen)
        elif pending is None or (pending.stamp, pending.due_at) != (stamp, due_at):
            self._pending[name] = _Pending(stamp, first_seen, due_at)
            heapq.heappush(self._schedule, (due_at, name))

    def to_confirm(self, now: float) -> list[str]:
        """The names whose time has come: look at each again and report the sighting, which settles it or not."""
        entries: list[tuple[float, str]] = []
        while self._schedule and self._schedule[0][0] <= now:
            entry = heapq.heappop(self._schedule)
            if self._is_current(*entry) and entry not in entries[-1:]:
                entries.append(entry)
        for entry in entries:  # sorted, so that pushing each is cheap; a sighting makes them stale
            heapq.heappush(self._schedule, entry)
        return [name for _, name in entries]

    def next_due(self) -> float | None:
        """When ``to_confirm`` will next name something, or None when nothing is waited for."""
        while self._schedule and not self._is_current(*self._schedule[0]):
            heapq.heappop(self._schedule)
        return self._schedule[0][0] if self._schedule else None

    def take(self, now: float) -> list[Complete]:
        """Hand out what is settled, each name and stamp once."""
        complete = list(self._complete.values())
        self._complete.clear()
        for file in complete:
            self._taken[file.name] = (file.stamp, now)
        return complete

    def pending(self) -> list[str]:
        """The names that are waited for, those that are settled and not yet taken among them."""
        return [*self._pending, *self._complete]

    def has_taken(self, name: str, stamp: FileStamp) -> bool:
        """Was this handed out, or marked as known, under this name and stamp?"""
        taken = self._taken.get(name)
        return taken is not None and taken[0] == stamp

    def waits_for(self, name: str, stamp: FileStamp) -> bool:
        """Is this name being waited for with this stamp?"""
        pending = self._pending.get(name) or self._complete.get(name)
        return pending is not None and pending.stamp == stamp

    def mark_taken(self, name: str, stamp: FileStamp, *, now: float) -> None:
        """Note that somebody has this file already: it is not waited for."""
        self.forget(name)
        self._taken[name] = (stamp, now)

    def forget(self, name: str) -> None:
        """Know nothing of a name any more, as if it had never been seen."""
        self._pending.pop(name, None)
        self._complete.pop(name, None)
        self._taken.pop(name, None)

    def forget_absent(self, present: Container[str], *, before: float) -> None:
        """Forget what was handed out before a scan began and was not there in the scan.

        What is still waited for needs no scan: it is looked at again when its time comes.
        """
        gone = [name for name, (_, at) in self._taken.items() if at < before and name not in present]
        for name in gone:
            del self._taken[name]

    def _wait(self, sign: Sign, age: float | None) -> float:
        if sign is Sign.MOVED_IN or (sign is Sign.SCANNED and age is not None and age >= self._settle):
            return 0.0
        return self._quiet if sign is Sign.CLOSED else self._settle

    def _is_current(self, due_at: float, name: str) -> bool:
        pending = self._pending.get(name)
        return pending is not None and pending.due_at == due_at
