from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.benchmarks.steady_load import Job, Reply, Schedule, asked, lateness, seconds_from_due

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Model-Version: 7\r\n\r\n"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
Answering = Callable[[int, asyncio.StreamWriter], Awaitable[None]]


def test_what_is_due_does_not_depend_on_any_answer() -> None:
    schedule = Schedule(rate=500.0, seconds=0.5)
    assert schedule.requests == 250
    assert [schedule.due(number) for number in (0, 1, 249)] == pytest.approx([0.0, 0.002, 0.498])


def test_a_stall_counts_for_all_requests_that_were_due_in_it() -> None:
    sent_late = [Reply(number, max(1.0, number / 10), 1.0 + number / 10, 200, 1, b"") for number in range(20)]
    schedule = Schedule(rate=10.0, seconds=2.0)
    assert seconds_from_due(sent_late, schedule) == pytest.approx([1.0] * 20)
    assert lateness(sent_late, schedule)[:12] == pytest.approx([max(0.0, 1 - number / 10) for number in range(12)])


def test_a_request_that_failed_has_taken_its_time_too() -> None:
    assert seconds_from_due([Reply(1, 0.1, 30.1, 0, None, b"", "TimeoutError()")], Schedule(10.0, 1.0)) == [30.0]


async def test_one_stall_on_the_only_connection_makes_those_after_it_late() -> None:
    async def stall(number: int, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3 if number == 0 else 0.0)
        writer.write(ANSWER + b"%2d" % number)

    schedule = Schedule(rate=50.0, seconds=0.2)
    replies = await _ask(stall, schedule, connections=1)
    assert [(one.number, one.version, int(one.body)) for one in replies] == [
        (number, 7, number) for number in range(10)
    ]
    seconds = seconds_from_due(replies, schedule)
    assert all(found >= 0.3 - schedule.due(number) for number, found in enumerate(seconds))


async def test_every_request_has_one_reply_though_connections_break_and_are_refused() -> None:
    async def some_do(number: int, writer: asyncio.StreamWriter) -> None:
        if number == 3:
            writer.write(ANSWER[:20])
            writer.close()
        else:
            writer.write(BUSY if number == 5 else ANSWER + b"{}")

    replies = sorted(await _ask(some_do, Schedule(rate=100.0, seconds=0.1), connections=1), key=lambda one: one.number)
    assert [one.number for one in replies] == list(range(10))
    assert [one.status for one in replies] == [200, 200, 200, 0, 200, 503, 200, 200, 200, 200]
    assert [one.number for one in replies if not one.is_answer] == [3, 5]
    assert "IncompleteReadError" in str(replies[3].fault)


async def _ask(answer: Answering, schedule: Schedule, *, connections: int) -> list[Reply]:
    """Ask a server that reads the number of each request from its body."""

    serving: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        while not writer.is_closing():
            try:
                await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            await answer(int(await reader.readexactly(2)), writer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/prediction"
    bodies = [b"%02d" % number for number in range(schedule.requests)]
    try:
        return await asked(Job(url, schedule, connections, bodies))
    finally:
        server.close()
        await asyncio.gather(*filter(None, serving))
