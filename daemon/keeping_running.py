"""A worker that is to be there always: when its process ends, another one is started at once."""

from __future__ import annotations

import asyncio
import contextlib

from daemon.trouble import pause
from daemon.workers import Worker, WorkerDied

SETTLED_SECONDS = 60.0
"""Who has lived so long begins anew: what killed those before it is over."""


async def keep_running(worker: Worker) -> None:
    """Start a process again when it has ended, for ever.

    Where the next one ends, too, before it has settled, there are pauses; a task that comes meanwhile starts one.
    """
    ends_in_a_row = 0
    while True:
        with contextlib.suppress(WorkerDied):  # the worker has told it
            await worker.start()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SETTLED_SECONDS):
                    await worker.gone()
            if worker.pid is not None:
                ends_in_a_row = 0
                worker.forgive()
                await worker.gone()
        ends_in_a_row += 1
        if ends_in_a_row > 1:
            await asyncio.sleep(pause(ends_in_a_row - 1))
