"""A worker that dies again and again is started after longer and longer pauses, in virtual time."""

from __future__ import annotations

import asyncio
from typing import cast

from daemon.keeping_running import SETTLED_SECONDS, keep_running
from daemon.workers import NotStarted, Worker
from tests.unit.daemon.virtual_time import run


class Mortal:
    """Lives for so many seconds after each start; None: it does not start. ``starts``: when it was tried."""

    def __init__(self, lives: list[float | None]) -> None:
        self._lives = lives
        self._ends_at = 0.0
        self.starts: list[float] = []
        self.forgiven = 0

    @property
    def pid(self) -> int | None:
        return 1 if asyncio.get_running_loop().time() < self._ends_at else None

    async def start(self) -> None:
        now = asyncio.get_running_loop().time()
        self.starts.append(now)
        life = self._lives.pop(0)
        if life is None:
            raise NotStarted("the ingest worker cannot be started")
        self._ends_at = now + life

    async def gone(self) -> None:
        await asyncio.sleep(self._ends_at - asyncio.get_running_loop().time())

    def forgive(self) -> None:
        self.forgiven += 1


def _starts(lives: list[float | None]) -> tuple[list[float], int]:
    worker = Mortal([*lives, 1e9])

    async def scenario() -> None:
        keeper = asyncio.create_task(keep_running(cast("Worker", worker)))
        await asyncio.sleep(10_000)
        keeper.cancel()

    run(scenario())
    return worker.starts, worker.forgiven


def test_the_first_end_costs_no_pause_and_further_ones_do() -> None:
    assert _starts([1.0, 1.0, 1.0])[0] == [0.0, 1.0, 7.0, 18.0]


def test_a_process_that_does_not_start_is_tried_again_after_pauses() -> None:
    assert _starts([None, None, None])[0] == [0.0, 0.0, 5.0, 15.0]


def test_who_has_settled_begins_anew() -> None:
    long = SETTLED_SECONDS + 40.0
    assert _starts([1.0, 1.0, long, long]) == ([0.0, 1.0, 7.0, 107.0, 207.0], 3)
