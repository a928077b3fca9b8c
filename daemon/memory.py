"""Memory that the allocators hold for later goes back to the system, once a process has come to rest."""

from __future__ import annotations

import contextlib
import ctypes
import sys


def give_back() -> None:
    """Let go of what nobody uses: pyarrow's pool, and the heap's free pages where the C library can (glibc)."""
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None:
        pyarrow.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
