"""An event loop whose time passes at once: whoever sleeps an hour is woken in the next moment, in the right order."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class _Impatient(selectors.SelectSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if timeout is None and not ready:
            raise RuntimeError("everybody waits, and nothing will ever happen")
        if not ready:
            self.now += timeout or 0.0
        return ready


def _loop() -> asyncio.AbstractEventLoop:
    selector = _Impatient()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]  # the point of it
    return loop


def run(scenario: Coroutine[Any, Any, Result]) -> Result:
    """Run a scenario in virtual time, and end the tasks that it has left."""
    with asyncio.Runner(loop_factory=_loop) as runner:
        return runner.run(scenario)


async def at_once(function: Callable[..., Result], *args: Any) -> Result:
    """Stands in for ``asyncio.to_thread``: real threads do not know of virtual time."""
    await asyncio.sleep(0)
    return function(*args)


async def until(holds: Callable[[], object], *, seconds: float = 1000.0) -> float:
    """Let time pass until something holds; answers how late it is."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not holds():
        assert loop.time() < end, "it never came about"
        await asyncio.sleep(0.05)
    return loop.time()
