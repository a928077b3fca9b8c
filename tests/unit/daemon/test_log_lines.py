"""Where requests are answered no reader of the log is waited for, and what is read is whole lines in their order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from daemon import log, log_lines
from daemon.log_lines import Lines


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    with contextlib.suppress(OSError):
        os.close(writer)


def told(lost: int) -> str:
    return f"lost {lost}"


def test_without_a_thread_a_line_is_written_when_it_is_said(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    Lines(writer, told).msg("one")
    assert os.read(reader, 100) == b"one\n"


def test_a_thread_writes_lines_in_their_order_and_flush_waits_for_it(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    lines = Lines(writer, told)
    lines.write_beside()
    lines.write_beside()
    for number in range(200):
        lines.msg(str(number))
    lines.flush(30.0)
    assert os.read(reader, 1 << 16).decode().splitlines() == [str(number) for number in range(200)]


@pytest.mark.parametrize("stuck", ["pipe", "terminal"])
def test_who_takes_nothing_is_not_waited_for_and_is_told_what_he_missed(
    stuck: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_lines, "MOST_LINES", 300)
    reader, writer = os.openpty() if stuck == "terminal" else os.pipe()
    monkeypatch.setattr(log, "_lines", None)
    log.configure(fd=writer, terminal=False)
    try:
        log.write_beside()
        for number in range(2000):
            log.emit("daemon.ready", url="x" * 500, pid=number)
        found = b""
        while len(_ready(found)) + _lost(found) < 2000:
            found += os.read(reader, 1 << 16)
        log.emit("daemon.stopping", signal=None)
        while b"daemon.stopping" not in found or not found.endswith(b"\n"):
            found += os.read(reader, 1 << 16)
    finally:
        log.configure()
    assert _ready(found) == sorted(set(_ready(found)))
    assert 300 <= len(_ready(found)) == 2000 - _lost(found)


def _events(content: bytes) -> list[dict[str, Any]]:
    """What the whole lines say."""
    return [json.loads(line) for line in content.decode().split("\n")[:-1]]


def _ready(content: bytes) -> list[int]:
    return [event["pid"] for event in _events(content) if event["event"] == "daemon.ready"]


def _lost(content: bytes) -> int:
    return sum(event["lines"] for event in _events(content) if event["event"] == "log.lost")


@pytest.mark.parametrize("beside", [False, True])
async def test_a_finalizer_may_log_in_the_middle_of_another_line(beside: bool, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    log.configure(fd=writer, terminal=False)
    before = gc.get_threshold()
    try:
        if beside:
            log.write_beside()
        for count in range(1, 100):
            gc.disable()
            gc.collect(0)
            failed = asyncio.get_running_loop().create_future()
            failed.set_exception(ValueError())
            cycle: list[object] = [failed]
            cycle.append(cycle)
            del failed, cycle
            gc.set_threshold(count, 1000, 1000)
            gc.enable()
            log.emit("daemon.stopping", signal="SIGTERM")
        gc.collect()
        assert log._lines is not None
        log._lines.flush(30.0)
        names = [event["event"] for event in _events(os.read(reader, 1 << 16))]
        assert Counter(names) == {"daemon.stopping": 99, "library.message": 99}
    finally:
        gc.set_threshold(*before)
        log.configure()


def test_a_reader_that_has_gone_ends_nothing(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    lines = Lines(os.dup(writer), told)
    lines.write_beside()
    spare = os.dup(reader)
    os.dup2(os.open(os.devnull, os.O_RDONLY), reader)
    os.close(spare)
    for _ in range(3):
        lines.msg("nobody reads")
        lines.flush(30.0)
