"""Signals that come before there is an event loop to take them: the process is only starting, and may end at once."""

from __future__ import annotations

import signal
import sys
from types import FrameType

_told: list[str] = []


def end_at() -> None:
    """End at SIGTERM and SIGINT, until the event loop has handlers of its own; SIGHUP has no meaning yet."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def told() -> str | None:
    """The signal that was to end the process, which goes on all the same.

    Its exception comes in the middle of anything: a finaliser or a library's ``except:`` may have swallowed it.
    """
    return _told[0] if _told else None


def _end(number: int, _frame: FrameType | None) -> None:
    _told.append(signal.Signals(number).name)
    sys.exit(0)
