"""The beat of a process that serves, and what ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Any

import pytest

from daemon import early_signals, lifecycle, log
from daemon.lifecycle import Beat, Lifecycle
from server.metrics import Metrics


async def test_the_beat_measures_the_lag_and_its_own_age(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "BEAT_SECONDS", 0.0)
    metrics, each = Metrics(), list[int]()
    beat = Beat(metrics)
    beating = asyncio.ensure_future(beat.keep(lambda: each.append(1)))
    while metrics.snapshot().loop_lag.count < 3:
        await asyncio.sleep(0)
    beating.cancel()
    assert beat.age < 10.0
    assert len(each) == 3


async def test_a_task_that_ends_although_it_should_run_for_ever_stops_it_and_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(log, "emit", lambda event, **fields: told.append({"event": event, **fields}))
    life = Lifecycle()

    async def breaks() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())

    async def fails() -> None:
        raise ZeroDivisionError("by nothing")

    life.begin(work=breaks(), other=asyncio.sleep(3600.0))
    await life.until_stopped()
    await life.end_tasks()
    assert not life.went_well
    assert [(one["event"], one["detail"]) for one in told] == [("daemon.failed", "ZeroDivisionError: by nothing")]


async def test_one_that_returns_is_as_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "emit", lambda *_, **__: None)
    life = Lifecycle()
    life.begin(work=asyncio.sleep(0))
    await life.until_stopped()
    assert not life.went_well


async def test_tasks_that_are_ended_are_no_failure() -> None:
    life = Lifecycle()
    life.begin(work=asyncio.sleep(3600.0))
    await asyncio.sleep(0)
    await life.end_tasks()
    assert life.went_well


def test_a_signal_whose_exception_was_swallowed_while_the_process_was_starting_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(early_signals, "_told", [])
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        early_signals.end_at()
        with contextlib.suppress(SystemExit):
            os.kill(os.getpid(), signal.SIGTERM)
        assert asyncio.run(_stopped_by()) == "SIGTERM"
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _stopped_by() -> str | None:
    life = Lifecycle()
    life.listen(lambda: None)
    await asyncio.wait_for(life.until_stopped(), 10.0)
    return life.signal
