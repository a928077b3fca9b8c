"""How long a connection may take for what it is at: values in, a verdict out; the clock is an argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from server.settings import ServerSettings


class Phase(IntEnum):
    """What a connection is at; each look at it asks, so they are numbers and not hashed."""

    NEW = 0
    """It has sent nothing yet."""
    HEAD = 1
    """It is sending the headers of a request."""
    BODY = 2
    """It is sending a body that is waited for."""
    ANSWER = 3
    """It is reading an answer."""
    IDLE = 4
    """It has its answer, and asks nothing."""
    CLOSING = 5
    """Nothing more is answered."""
    WORK = 6
    """We are at work, so the time is ours."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds for each phase, in their order. Bytes that move allow more: one second for each ``bytes_per_second``."""

    seconds: tuple[float, ...]
    bytes_per_second: float

    @property
    def shortest(self) -> float:
        return min(self.seconds)


def deadlines(settings: ServerSettings) -> Deadlines:
    """The deadlines that are configured. A new connection is one whose headers are to come."""
    seconds = {
        Phase.NEW: settings.header_seconds,
        Phase.HEAD: settings.header_seconds,
        Phase.BODY: settings.body_seconds,
        Phase.ANSWER: settings.answer_seconds,
        Phase.IDLE: settings.idle_seconds,
        Phase.CLOSING: settings.linger_seconds,
        Phase.WORK: float("inf"),
    }
    return Deadlines(tuple(seconds[phase] for phase in Phase), settings.minimum_bytes_per_second)


@dataclass(slots=True)
class Watch:
    """Since when a connection is at what it is at, as far as those know who look now and then.

    ``since`` is the look that first saw the phase, so a phase may last one interval between looks longer than allowed.
    """

    phase: Phase = Phase.NEW
    request: int = 0
    since: float = 0.0
    level: int = 0

    def overdue(
        self, now: float, phase: Phase, request: int, moved: Callable[[Phase], int], deadlines: Deadlines
    ) -> bool:
        """Whether the phase has lasted too long.

        ``request``: the number of requests so far, so that a new request is not taken for the old one. ``moved``: the
        bytes that have come so far in BODY, in ANSWER those that the client has taken, in the others 0. To ask for them
        is a call of the system: it is asked where a phase begins, and where its time alone would be over.
        """
        if phase is Phase.ANSWER or phase is Phase.CLOSING:
            request = self.request  # answers wait behind each other: one window for all of them
        if phase is not self.phase or request != self.request:
            self.phase, self.request, self.since, self.level = phase, request, now, moved(phase)
        late = now - self.since - deadlines.seconds[phase]
        return late > 0 and late > (moved(phase) - self.level) / deadlines.bytes_per_second
