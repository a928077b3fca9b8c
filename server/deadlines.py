"""How long a connection may take for what it is at: values in, a verdict out; the clock is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from server.settings import ServerSettings


class Phase(Enum):
    """What a connection is at."""

    NEW = "it has sent nothing yet"
    HEAD = "it is sending the headers of a request"
    BODY = "it is sending a body that is waited for"
    WORK = "we are at work, so the time is ours"
    ANSWER = "it is reading an answer"
    IDLE = "it has its answer, and asks nothing"
    CLOSING = "nothing more is answered"


_MOVING = frozenset((Phase.BODY, Phase.ANSWER))


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds for each phase. In BODY and ANSWER each ``bytes_per_second`` that have moved allow one second more."""

    seconds: dict[Phase, float]
    bytes_per_second: float

    def allowed(self, phase: Phase, moved: int) -> float:
        """Seconds that a phase may last."""
        seconds = self.seconds.get(phase, float("inf"))
        return seconds + moved / self.bytes_per_second if phase in _MOVING else seconds

    @property
    def shortest(self) -> float:
        return min(self.seconds.values())


def deadlines(settings: ServerSettings) -> Deadlines:
    """The deadlines that are configured. A new connection is one whose headers are to come."""
    seconds = {
        Phase.NEW: settings.header_seconds,
        Phase.HEAD: settings.header_seconds,
        Phase.BODY: settings.body_seconds,
        Phase.ANSWER: settings.answer_seconds,
        Phase.IDLE: settings.idle_seconds,
        Phase.CLOSING: settings.linger_seconds,
    }
    return Deadlines(seconds, settings.minimum_bytes_per_second)


@dataclass(slots=True)
class Watch:
    """Since when a connection is at what it is at, as far as those know who look now and then.

    ``since`` is the look that first saw the phase, so a phase may last one interval between looks longer than allowed.
    """

    phase: Phase = Phase.NEW
    request: int = 0
    since: float = 0.0
    level: int = 0
    moved: int = 0

    def overdue(self, now: float, seen: tuple[Phase, int, int], deadlines: Deadlines) -> bool:
        """Whether the phase has lasted too long.

        ``seen``: the phase; the number of requests so far, so that a new request is not taken for the old one; and in
        BODY the bytes that have come, in ANSWER those that the client has taken.
        """
        phase, request, level = seen
        if phase is Phase.ANSWER or phase is Phase.CLOSING:
            request = self.request  # answers wait behind each other: one window for all of them
        if phase is not self.phase or request != self.request:
            self.phase, self.request, self.since, self.level, self.moved = phase, request, now, level, 0
        self.moved += level - self.level
        self.level = level
        return now - self.since > deadlines.allowed(phase, self.moved)
