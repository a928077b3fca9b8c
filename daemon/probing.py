"""Looking at the machine in a thread of its own: a disk that hangs holds up the look, and nobody who asks about it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

EVERY_SECONDS = 5.0
SILENT_SECONDS = 10.0
"""A look takes milliseconds; one that takes so long hangs, and will go on hanging until the disk is back."""


class Probe:
    """``problem`` may be asked in any thread and waits for nothing."""

    def __init__(
        self, what: str, look: Callable[[], str | None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``what`` begins a sentence; ``look`` answers what is wrong as a sentence, or None, and may hang."""
        self._what = what
        self._look = look
        self._clock = clock
        self._looking_since: float | None = None
        self._found: str | None = None
        self._stopped = threading.Event()

    def start(self) -> None:
        """Look at once, and then every few seconds. The thread keeps no process alive."""
        threading.Thread(target=self._run, name=f"probe: {self._what}", daemon=True).start()

    def stop(self) -> None:
        """Look no more. A look that hangs is not waited for."""
        self._stopped.set()

    def look(self) -> None:
        """Look once, in this thread."""
        self._looking_since = self._clock()
        try:
            self._found = self._look()
        except Exception as error:  # a probe that has ended would say for ever what it said last
            self._found = f"{self._what} could not be looked at: {type(error).__name__}."
        finally:
            self._looking_since = None

    def problem(self) -> str | None:
        """What the last look has found, or that it has not come back."""
        since = self._looking_since
        silent = 0.0 if since is None else self._clock() - since
        if silent >= SILENT_SECONDS:
            return f"{self._what} has not answered for {silent:.0f} s: its disk hangs, or is gone."
        return self._found

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.look()
            self._stopped.wait(EVERY_SECONDS)
