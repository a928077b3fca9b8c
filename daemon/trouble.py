"""How patient the daemon is with what fails: when it is tried again, and when it is given up."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_PAUSE_SECONDS = 5.0
BROKEN_PAUSE_SECONDS = 60.0
"""The longest pause while the machine is at fault: so soon it is noticed that it has healed."""
FAULT_PAUSE_SECONDS = 900.0
"""The longest pause of what fails again and again although the machine is well."""


def pause(tries: int, *, broken: bool = True) -> float:
    """Seconds before the next try after ``tries`` (1 or more) that failed: 5, 10, 20 and so on, up to the longest."""
    longest = BROKEN_PAUSE_SECONDS if broken else FAULT_PAUSE_SECONDS
    return float(min(FIRST_PAUSE_SECONDS * 2 ** min(tries - 1, 20), longest))


@dataclass(slots=True)
class Trouble:
    """A kind of work that fails. ``faults``: the tries in a row in which it was the work's own fault.

    ``not_before``: when it may be tried again, in seconds of a clock that never goes back.
    """

    tries: int = 0
    faults: int = 0
    not_before: float = 0.0

    def failed(self, now: float, *, broken: bool, died: bool) -> None:
        """One more try failed. ``broken``: the machine was at fault. ``died``: the worker did; once, that is chance."""
        self.tries += 1
        self.faults += not broken
        by_chance = died and not broken and self.faults == 1
        self.not_before = now if by_chance else now + pause(self.tries, broken=broken)

    def over(self, now: float, *, given_up: bool = False) -> None:
        """It has worked. ``given_up``: only in so far as it was given up; what comes next may fail just the same."""
        self.faults = 0
        self.not_before = now + pause(self.tries, broken=False) if given_up else 0.0
        self.tries = self.tries if given_up else 0
