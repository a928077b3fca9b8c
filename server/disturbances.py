"""What the log and the counts are told of connections that ended badly: a flood of them must not fill the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

LINES_AT_ONCE, LINES_PER_SECOND = 20, 1.0
"""So many lines of one event in a row, then one a second; the others are counted in the next line."""


class Cause(StrEnum):
    """Why a request was not understood, or a connection not served or not kept."""

    MALFORMED = "malformed"
    HEADERS_TOO_LARGE = "headers_too_large"
    TOO_MANY = "too_many"
    TOO_MANY_OF_ADDRESS = "too_many_of_address"
    SLOW_HEADERS = "slow_headers"
    SLOW_ANSWER = "slow_answer"
    SLOW_HANDSHAKE = "slow_handshake"
    HANDSHAKE = "handshake"


EVENTS: dict[Cause, str] = {
    Cause.MALFORMED: "request.malformed",
    Cause.HEADERS_TOO_LARGE: "request.malformed",
    Cause.TOO_MANY: "connection.refused",
    Cause.TOO_MANY_OF_ADDRESS: "connection.refused",
    Cause.SLOW_HEADERS: "connection.cut",
    Cause.SLOW_ANSWER: "connection.cut",
    Cause.SLOW_HANDSHAKE: "connection.cut",
    Cause.HANDSHAKE: "connection.cut",
}


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One line for the log: nothing of what was sent. ``not_logged``: so many of this event since the last line."""

    cause: Cause
    address: str
    request_id: str | None
    not_logged: int = 0

    @property
    def event(self) -> str:
        return EVENTS[self.cause]


@dataclass(slots=True)
class _Allowance:
    lines: float
    since: float
    held: list[Disturbance]
    """At most one, the last; its ``not_logged`` counts those before it."""

    def take(self, now: float) -> bool:
        self.lines = min(LINES_AT_ONCE, self.lines + (now - self.since) * LINES_PER_SECOND)
        self.since = now
        if self.lines < 1:
            return False
        self.lines -= 1
        return True


class Disturbances:
    """Tells each, or counts it until there may be a line again. ``now`` is in seconds of any clock that only rises."""

    def __init__(self, tell: Callable[[Disturbance], None]) -> None:
        self._tell = tell
        self._allowances: dict[str, _Allowance] = {}

    def seen(self, one: Disturbance, now: float) -> None:
        """There has been another one."""
        allowance = self._allowances.setdefault(one.event, _Allowance(LINES_AT_ONCE, now, []))
        if allowance.held:
            one = replace(one, not_logged=allowance.held.pop().not_logged + 1)
        if allowance.take(now):
            self._tell(one)
        else:
            allowance.held.append(one)

    @property
    def pending(self) -> bool:
        """Whether some are counted that no line has told yet."""
        return any(allowance.held for allowance in self._allowances.values())

    def flush(self, now: float) -> None:
        """Tell what may be told by now."""
        for allowance in self._allowances.values():
            if allowance.held and allowance.take(now):
                self._tell(allowance.held.pop())
