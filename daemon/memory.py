"""Memory that a process holds for later: how much of it, and when it goes back to the system."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys
from pathlib import Path

#: Free memory behind what is used, which stays for the next large request: to fetch it anew costs a fault for each
#: page, which took as long as to score 10,000 clients. Larger blocks than the second come from the system, and go back.
KEPT_BYTES, BLOCK_BYTES = 32 << 20, 8 << 20
#: Heaps, of which each keeps as much. Threads share them.
ARENAS = 2
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # malloc.h

#: So often it is looked whether a process has come to rest.
LOOK_SECONDS = 5.0
#: Memory that is not worth to be given back.
SMALL_BYTES = 16 << 20


def keep_for_large_requests() -> None:
    """Keep some free memory between requests, where the C library can (glibc). ``give_back_at_rest`` lets go of it."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in ((_TRIM_THRESHOLD, KEPT_BYTES), (_MMAP_THRESHOLD, BLOCK_BYTES), (_ARENA_MAX, ARENAS)):
            mallopt(option, value)


def give_back() -> None:
    """Let go of what nobody uses: pyarrow's pool, and the heap's free pages where the C library can (glibc)."""
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None:
        pyarrow.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class Rest:
    """Tells when a process that has grown has come to rest. ``resident``: bytes."""

    def __init__(self, resident: int) -> None:
        self._least = self._last = resident

    def come(self, resident: int) -> bool:
        """Whether it has grown since it was smallest, and not since it was last asked."""
        self._least = min(self._least, resident)
        rests, self._last = resident <= self._last, resident
        return rests and resident - self._least > SMALL_BYTES

    def given_back(self, resident: int) -> None:
        """What is left is used."""
        self._least = self._last = resident


async def give_back_at_rest(*, every: float = LOOK_SECONDS) -> None:
    """Give back what large requests have left, for ever. ``every``: seconds between two looks."""
    rest = Rest(resident_bytes())
    while True:
        await asyncio.sleep(every)
        if rest.come(resident_bytes()):
            await asyncio.to_thread(give_back)
            rest.given_back(resident_bytes())


def resident_bytes() -> int:
    """What of this process is in memory; 0 where the system does not say it as Linux does."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
