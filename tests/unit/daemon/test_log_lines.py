"""No reader of the log stops the work, and what is read is whole lines."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import log, log_lines
from daemon.log_lines import HELD_BYTES, Lines, waiting


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """One that holds as little as possible."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(reader, False)
    yield reader, writer
    os.close(reader)
    os.close(writer)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_lines, "PATIENCE_SECONDS", 0.0)


def read(reader: int) -> str:
    found = b""
    try:
        while some := os.read(reader, 1 << 16):
            found += some
    except BlockingIOError:
        pass
    return found.decode()


def test_lines_are_written_at_once_and_those_that_may_wait_before_the_next(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    lines = Lines(writer)
    lines.msg("one")
    assert read(reader) == "one\n"
    with waiting():
        lines.msg("two")
        lines.msg("three")
    assert read(reader) == ""
    lines.msg("four")
    assert read(reader) == "two\nthree\nfour\n"
    with waiting():
        lines.msg("five")
    lines.flush()
    lines.flush()
    assert read(reader) == "five\n"


@pytest.mark.usefixtures("impatient")
def test_so_much_may_wait_and_no_more(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    lines = Lines(writer)
    with waiting():
        for _ in range(HELD_BYTES // 1000):
            lines.msg("x" * 990)
        assert read(reader) == ""
        for _ in range(2):
            lines.msg("x" * 990)
    assert read(reader)


@pytest.mark.usefixtures("impatient")
@given(st.lists(st.integers(0, 9000), min_size=1, max_size=30), st.sets(st.integers(0, 29)))
def test_what_a_slow_reader_sees_is_whole_lines_in_their_order_and_the_number_of_the_others(
    sizes: list[int], reads: set[int]
) -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(reader, False)
    lines, seen, lost = Lines(writer), "", 0
    for number, size in enumerate(sizes):
        lines.msg(f"{number} {'x' * size}")
        if number in reads:
            seen += read(reader)
            lost += lines.lost()
    more = 6
    for _ in range(more):  # a line that has been begun is ended, as soon as there is room
        seen += read(reader)
        lost += lines.lost()
        lines.msg("")
    seen += read(reader)
    lost += lines.lost()
    os.close(reader)
    os.close(writer)
    written = seen.splitlines()
    assert len(written) + lost == len(sizes) + more
    kept = [line for line in written if line]
    assert set(kept) <= {f"{number} {'x' * size}" for number, size in enumerate(sizes)}
    numbers = [int(line.split()[0]) for line in kept]
    assert numbers == sorted(set(numbers))


def test_who_reads_again_is_told_how_much_he_missed(
    pipe: tuple[int, int], impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = pipe
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4 * 4096)  # room for the line that comes and for the one that tells
    monkeypatch.setattr(log, "_lines", None)
    log.configure(fd=writer, terminal=False)
    try:
        for _ in range(100):
            log.emit("daemon.ready", url="x" * 500, pid=1)
        first = read(reader).splitlines()
        log.emit("daemon.stopping", signal=None)
        events = [json.loads(line) for line in [*first, *read(reader).splitlines()]]
    finally:
        log.configure()
    names = [event["event"] for event in events]
    ready = names.count("daemon.ready")
    assert 0 < ready < 100
    assert names[ready:] == ["daemon.stopping", "log.lost"]
    assert ready + events[-1]["lines"] == 100


def test_a_reader_that_is_slow_for_a_moment_misses_nothing(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.set_blocking(reader, True)
    lines, seen = Lines(writer), bytearray()

    def reads() -> None:
        while not seen.endswith(b"end\n"):
            seen.extend(os.read(reader, 100))

    thread = threading.Thread(target=reads)
    thread.start()
    for number in range(200):
        lines.msg(f"{number} {'x' * 100}")
    lines.msg("end")
    thread.join(30.0)
    assert seen.decode().splitlines() == [*(f"{number} {'x' * 100}" for number in range(200)), "end"]
    assert lines.lost() == 0
