"""Connections that are slow on purpose, and too many of them: each is ended by its deadline, and costs no other."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from server.body import AT_ONCE_BYTES
from server.connections import Connection
from server.disturbances import Cause
from server.settings import ServerSettings
from tests.integration.raw_server import LOOPS, PATIENCE, RawServer, answer, rest, running, send
from tests.unit.server.small_house import CLIENT, House, empty_house, full_house

HOST = b"Host: localhost\r\n"
LIVE = b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n"
LARGE = b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST /v1/prediction HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
MANY = 50
"""So many of the large answers are some 5 MB: more than the kernel keeps."""
PATIENT = ServerSettings()
Serve = Callable[..., RawServer]


@pytest.fixture(params=LOOPS)
def serve(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Serve]:
    """Serve with these settings, in seconds far beyond the test where none is given."""
    with ExitStack() as stack:

        def start(make: Callable[[Path], House] = empty_house, **given: Any) -> RawServer:
            house = make(tmp_path)
            house.settings = msgspec.structs.replace(PATIENT, **given)
            return stack.enter_context(running(house, request.param))

        yield start


def _until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def _causes(server: RawServer) -> list[Cause]:
    return [one.cause for one in server.house.disturbed]


def test_headers_that_do_not_end_are_answered_408_and_told(serve: Serve) -> None:
    server = serve(header_seconds=0.2)
    with server.connect() as connection:
        send(connection, [LIVE[:20]])
        status, headers, body = answer(connection)
        assert (status, json.loads(body)["type"]) == (408, "urn:attritiond:problem:too-slow")
        assert headers["connection"] == "close"
        assert rest(connection) == b""
    assert _causes(server) == [Cause.SLOW_HEADERS]
    assert server.faults == []


def test_headers_a_byte_at_a_time_get_no_more_time(serve: Serve) -> None:
    server = serve(header_seconds=0.3)
    with server.connect() as connection:
        answers: list[bytes] = []
        reader = threading.Thread(target=lambda: answers.append(rest(connection)))
        reader.start()
        send(connection, [b"GET /livez HTTP/1.1\r\n" + HOST + b"X: "])
        while reader.is_alive():
            send(connection, [b"y"])
            reader.join(0.02)
    assert answers[0].startswith(b"HTTP/1.1 408 ")


def test_the_headers_of_the_second_request_have_their_own_time(serve: Serve) -> None:
    server = serve(header_seconds=0.2)
    with server.connect() as connection:
        send(connection, [LIVE])
        assert answer(connection)[0] == 200
        time.sleep(0.5)  # idle, which is no fault
        send(connection, [LIVE[:20]])
        assert answer(connection)[0] == 408


def test_a_connection_that_sends_nothing_is_closed_without_a_word(serve: Serve) -> None:
    server = serve(header_seconds=0.2)
    with server.connect() as connection:
        assert rest(connection) == b""
    assert _causes(server) == []


def test_an_idle_connection_is_closed_without_a_word(serve: Serve) -> None:
    server = serve(idle_seconds=0.2)
    with server.connect() as connection:
        send(connection, [LIVE])
        assert answer(connection)[0] == 200
        assert rest(connection) == b""
    assert _causes(server) == []


def test_a_body_that_does_not_come_is_answered_408_as_a_failed_request(serve: Serve) -> None:
    server = serve(full_house, body_seconds=0.2)
    for framing in (b"Content-Length: 1000\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"):
        with server.connect() as connection:
            send(connection, [POST + framing])
            status, headers, body = answer(connection)
            assert (status, json.loads(body)["status"], headers["connection"]) == (408, 408, "close")
            assert rest(connection) == b""
    assert [(one.status, one.detail) for one in server.house.served] == [(408, "too-slow")] * 2
    assert server.faults == []


def test_a_body_that_keeps_the_rate_may_take_longer(serve: Serve) -> None:
    server = serve(full_house, body_seconds=0.2, minimum_bytes_per_second=100)
    with server.connect() as connection:
        send(connection, [POST + b"Content-Length: 101\r\n\r\n"])
        for _ in range(10):
            send(connection, [b" " * 10])
            time.sleep(0.06)
        send(connection, [b"{"])
        assert answer(connection)[0] == 400  # read to its end, and no JSON


@pytest.mark.parametrize("framed", [True, False], ids=["in_chunks", "with_its_length"])
@pytest.mark.parametrize("size", [1_000, AT_ONCE_BYTES, AT_ONCE_BYTES + 1, 3 * AT_ONCE_BYTES])
def test_a_body_of_any_size_that_comes_in_pieces_is_read_whole(serve: Serve, size: int, framed: bool) -> None:
    server = serve(full_house)
    client = json.dumps({"clients": [CLIENT]}).encode()
    body = client + b" " * (size - len(client))
    pieces = [body[start : start + size // 7 + 1] for start in range(0, size, size // 7 + 1)]
    framing = b"Transfer-Encoding: chunked\r\n\r\n" if framed else b"Content-Length: %d\r\n\r\n" % size
    if framed:
        pieces = [*(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n"]
    with server.connect() as connection:
        send(connection, [POST + framing])
        for piece in pieces:
            send(connection, [piece])
            time.sleep(0.002)
        status, _, said = answer(connection)
    assert (status, json.loads(said)["ids"]) == (200, [CLIENT["corporation"]])


def test_who_asks_before_he_sends_what_is_too_large_is_refused_and_sends_nothing(serve: Serve) -> None:
    server = serve(full_house, max_body_bytes=10_000)
    with server.connect() as connection:
        send(connection, [POST + b"Expect: 100-continue\r\nContent-Length: 10001\r\n\r\n"])
        status, headers, _ = answer(connection)
        assert (status, headers["connection"]) == (413, "close")


def test_what_is_declared_too_large_and_does_not_come_is_too_large_and_not_slow(serve: Serve) -> None:
    server = serve(full_house, max_body_bytes=600_000, body_seconds=0.2)
    for begun in (b"", b"{"):
        with server.connect() as connection:
            send(connection, [POST + b"Content-Length: 600001\r\n\r\n" + begun])
            status, headers, body = answer(connection)
            assert (status, headers["connection"]) == (413, "close")
            assert b"server.max_body_bytes" in body
    assert [(one.status, one.detail) for one in server.house.served] == [(413, "too-large")] * 2


def test_who_sends_what_is_too_large_at_his_rate_is_answered(serve: Serve) -> None:
    server = serve(full_house, max_body_bytes=600_000, linger_seconds=0.1)
    with server.connect() as connection:
        connection.sendall(POST + b"Content-Length: 600001\r\n\r\n")
        for _ in range(10):
            connection.sendall(b" " * 60_000)
            time.sleep(0.05)
        connection.sendall(b" ")
        assert answer(connection)[0] == 413


def test_whose_connection_is_lost_before_his_turn_leaves_nobody_waiting(serve: Serve) -> None:
    """Half a body behind another request, and the end of it in the moment in which its handler is about to begin."""
    server = serve(full_house)
    loop, over = server.listener._loop, threading.Event()

    def busy() -> None:
        time.sleep(0.004)
        if not over.is_set():
            loop.call_soon(busy)

    loop.call_soon_threadsafe(busy)
    with ExitStack() as stack:
        for number in range(60):
            connection = stack.enter_context(server.connect())
            send(connection, [LIVE + POST + b"Content-Length: 1000\r\n\r\n{"])
            time.sleep(0.0004 * number)
            connection.shutdown(socket.SHUT_WR)
    over.set()
    _until(lambda: server.listener.open_connections == 0, "all are gone")

    async def under_way() -> int:
        return sum("_handle_request" in str(task.get_coro()) for task in asyncio.all_tasks())

    _until(lambda: asyncio.run_coroutine_threadsafe(under_way(), loop).result(PATIENCE) == 0, "nobody waits")
    assert {one.status for one in server.house.served if one.route == "/v1/prediction"} == {400}


def test_a_round_of_looks_ends_in_time_although_turns_of_the_loop_come_late(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    loop, looks = server.listener._loop, []
    look = Connection.look
    monkeypatch.setattr(Connection, "look", lambda one, now: (looks.append(now), look(one, now))[1])

    def busy() -> None:
        time.sleep(0.02)
        loop.call_soon(busy)

    with ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(server.connect())
        loop.call_soon_threadsafe(busy)
        _until(lambda: len(looks) >= 300, "the first round")
        begun = time.monotonic()
        _until(lambda: len(looks) >= 900, "two more rounds")
        assert time.monotonic() - begun < 3.0  # 75 turns of 20 ms each would take three seconds
        monkeypatch.undo()


def test_a_body_of_which_most_is_no_body_is_refused(serve: Serve) -> None:
    server = serve(full_house, body_seconds=0.5, max_body_bytes=10_000)
    with server.connect() as connection:
        answers: list[bytes] = []
        reader = threading.Thread(target=lambda: answers.append(rest(connection)))
        reader.start()
        send(connection, [POST + b"Transfer-Encoding: chunked\r\n\r\n"])
        while reader.is_alive():
            send(connection, [b"1;" + b"x" * 1000 + b"\r\n \r\n"])
            reader.join(0.005)
    assert answers[0].startswith(b"HTTP/1.1 413 ")


def _unread(server: RawServer, *, receive_bytes: int = 4096) -> socket.socket:
    """A connection with more answers than the kernel keeps, none of them read."""
    connection = server.connect(receive_bytes=receive_bytes)
    send(connection, [LARGE * MANY])
    _until(lambda: server.house.served, "answers are being sent")
    return connection


def test_a_reader_that_reads_nothing_is_cut_off(serve: Serve) -> None:
    server = serve(answer_seconds=0.3)
    with _unread(server) as connection:
        _until(lambda: server.listener.open_connections == 0, "it is cut off")
        assert 0 < len(rest(connection)) < 1_000_000  # of some 5 MB
    assert _causes(server) == [Cause.SLOW_ANSWER]
    assert server.faults == []


def test_a_reader_that_keeps_the_rate_gets_everything(serve: Serve) -> None:
    server = serve(answer_seconds=0.5, minimum_bytes_per_second=50_000)
    with _unread(server, receive_bytes=65_536) as connection:
        end = time.monotonic() + 2.0
        while time.monotonic() < end:
            assert connection.recv(65_536)
            time.sleep(0.1)
        send(connection, [b"GET /livez HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n"])
        assert rest(connection).endswith(b'{"status":"alive"}')
    assert [one.status for one in server.house.served] == [200] * (MANY + 1)
    assert _causes(server) == []


def test_further_connections_are_answered_503_and_those_that_are_there_go_on(serve: Serve) -> None:
    server = serve(max_connections=2)
    with server.connect() as first, server.connect() as second:
        for connection in (first, second):
            send(connection, [LIVE])
            assert answer(connection)[0] == 200
        with server.connect() as third:
            send(third, [LIVE])
            status, headers, body = answer(third)
            assert (status, headers["retry-after"], headers["connection"]) == (503, "1", "close")
            assert json.loads(body)["type"] == "urn:attritiond:problem:unavailable"
            assert rest(third) == b""
        send(first, [LIVE])
        assert answer(first)[0] == 200
    _until(lambda: server.listener.open_connections == 0, "all have gone")
    with server.connect() as fourth:
        send(fourth, [LIVE])
        assert answer(fourth)[0] == 200
    assert _causes(server) == [Cause.TOO_MANY]


def test_a_refused_connection_that_stays_is_cut_off(serve: Serve) -> None:
    server = serve(max_connections=1, linger_seconds=0.2)
    with server.connect() as first, server.connect() as second:
        send(first, [LIVE])
        assert answer(first)[0] == 200
        assert answer(second)[0] == 503
        end = time.monotonic() + PATIENCE
        reset = False
        while not reset and time.monotonic() < end:
            try:
                second.sendall(LIVE)
            except ConnectionError:
                reset = True
            time.sleep(0.02)
        assert reset


def test_this_machine_is_no_sender_whose_connections_are_counted(serve: Serve) -> None:
    server = serve(max_connections_per_address=1)
    with server.connect() as first, server.connect() as second:
        for connection in (first, second):
            send(connection, [LIVE])
            assert answer(connection)[0] == 200


def test_stopping_waits_for_no_slow_reader(serve: Serve) -> None:
    server = serve()
    with _unread(server):  # the fixture fails where it cannot stop
        assert server.listener.open_connections == 1


def test_however_many_are_cut_off_there_is_one_row_of_looks(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(header_seconds=0.4)
    with ExitStack() as stack:
        for _ in range(10):
            send(stack.enter_context(server.connect()), [LIVE[:20]])
        _until(lambda: len(_causes(server)) == 10, "all are cut off")
    with server.connect() as connection:
        send(connection, [LIVE])
        assert answer(connection)[0] == 200
        looks: Counter[Connection] = Counter()
        look = Connection.look
        monkeypatch.setattr(Connection, "look", lambda one, now: (looks.update([one]), look(one, now))[1])
        time.sleep(1.0)
        monkeypatch.undo()
    assert 5 <= max(looks.values()) <= 10  # every 0.1 s the one that is there


def test_who_was_cut_off_and_stays_takes_nobodys_place(serve: Serve) -> None:
    server = serve(max_connections=2, header_seconds=0.3, linger_seconds=60.0)
    with ExitStack() as stack:
        for _ in range(2):
            slow = stack.enter_context(server.connect())
            send(slow, [LIVE[:20]])
        _until(lambda: len(_causes(server)) == 2, "both are cut off")
        with server.connect() as good:
            send(good, [LIVE])
            assert answer(good)[0] == 200
            assert server.listener.open_connections == 1
    _until(lambda: server.listener.open_connections == 0, "all are gone")
    assert _causes(server) == [Cause.SLOW_HEADERS] * 2


def test_of_those_who_were_cut_off_few_may_stay(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.listening.LINGERING_AT_ONCE", 0)
    server = serve(header_seconds=0.3, linger_seconds=60.0)
    with server.connect() as slow:
        send(slow, [LIVE[:20]])
        assert answer(slow)[0] == 408
        assert rest(slow) == b""
    assert not server.listener._open
