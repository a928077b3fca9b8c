"""Connections that are to begin with TLS: counted and timed before they have."""

from __future__ import annotations

import contextlib
import re
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.settings import ServerSettings
from server.tls import Certificate
from tests.certificates import write_pair
from tests.integration.raw_server import LOOPS, PATIENCE, RawServer, answer, rest, running, send
from tests.unit.server.small_house import full_house

GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEADER_SECONDS = 0.4


@pytest.fixture(params=LOOPS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RawServer]:
    """Over TLS, for two connections at once."""
    house = full_house(tmp_path)
    house.settings = ServerSettings(
        tls_certificate="server.pem", tls_key="server.key", max_connections=2, header_seconds=HEADER_SECONDS
    )
    with running(house, request.param, Certificate(*write_pair(tmp_path)).context) as one:
        yield one
    assert one.faults == []


def _until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.005)


def _ask(server: RawServer, folder: Path) -> tuple[int, dict[str, str], bytes]:
    trusting = ssl.create_default_context(cafile=folder / "server.pem")
    with server.connect() as raw, trusting.wrap_socket(raw, server_hostname="localhost") as connection:
        send(connection, [GET])
        return answer(connection)


def _causes(server: RawServer) -> list[str]:
    return [one.cause.value for one in server.house.disturbed]


def test_who_shakes_no_hands_is_counted_and_cut_off_after_the_time_of_headers(
    server: RawServer, tmp_path: Path
) -> None:
    began = time.monotonic()
    with server.connect() as first, server.connect() as second:
        _until(lambda: server.listener.open_connections == 2)
        status, headers, body = _ask(server, tmp_path)
        assert (status, headers["retry-after"]) == (503, "1")
        assert b"server.max_connections" in body
        assert _causes(server) == ["too_many"]
        assert rest(first) + rest(second) == b""
    assert HEADER_SECONDS <= time.monotonic() - began < PATIENCE
    _until(lambda: server.listener.open_connections == 0)
    assert _causes(server) == ["too_many", "slow_handshake", "slow_handshake"]
    assert _ask(server, tmp_path)[0] == 200


def test_of_those_beyond_the_limit_only_a_few_are_shaken_hands_with(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.listening.LINGERING_AT_ONCE", 0)
    with server.connect(), server.connect():
        _until(lambda: server.listener.open_connections == 2)
        with server.connect() as third:
            assert rest(third) == b""
        assert _causes(server) == ["too_many"]


def test_those_who_are_cut_off_and_stay_are_few(
    server: RawServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them is an open file, and takes nobody's place."""
    monkeypatch.setattr("server.listening.LINGERING_AT_ONCE", 5)
    trusting = ssl.create_default_context(cafile=tmp_path / "server.pem")
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            raw = stack.enter_context(server.connect())
            with contextlib.suppress(OSError):
                connection = stack.enter_context(trusting.wrap_socket(raw, server_hostname="localhost"))
                send(connection, [b"GARBAGE\r\n\r\n"])
        _until(lambda: server.listener.open_connections == 0)
        _until(lambda: len(server.listener._open) <= 6)
    assert _ask(server, tmp_path)[0] == 200


def test_a_slow_handshake_takes_nothing_of_the_time_for_headers(server: RawServer, tmp_path: Path) -> None:
    context = ssl.create_default_context(cafile=tmp_path / "server.pem")
    outgoing, incoming = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with server.connect() as raw:
        time.sleep(0.7 * HEADER_SECONDS)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                raw.sendall(outgoing.read())
                incoming.write(raw.recv(65_536))
        raw.sendall(outgoing.read())
        time.sleep(0.6 * HEADER_SECONDS)
        tls.write(GET)
        raw.sendall(outgoing.read())
        said = b""
        while b"alive" not in said:
            try:
                said += tls.read()
            except ssl.SSLWantReadError:
                came = raw.recv(65_536)
                assert came, "it was cut off"
                incoming.write(came)
    assert _causes(server) == []


def test_who_shakes_hands_and_sends_no_headers_is_cut_off_as_without_tls(server: RawServer, tmp_path: Path) -> None:
    trusting = ssl.create_default_context(cafile=tmp_path / "server.pem")
    with server.connect() as raw, trusting.wrap_socket(raw, server_hostname="localhost") as connection:
        send(connection, [GET[:10]])
        assert answer(connection)[0] == 408
    assert _causes(server) == ["slow_headers"]


@pytest.mark.parametrize("sent", [GET, b"\x16\x03\x01", b""], ids=["plain HTTP", "half a greeting", "nothing"])
def test_what_is_no_handshake_is_told_and_no_longer_counted(server: RawServer, sent: bytes, tmp_path: Path) -> None:
    with server.connect() as connection:
        send(connection, [sent])
        _until(lambda: server.listener.open_connections == 1 or _causes(server) == ["handshake"])
    _until(lambda: server.listener.open_connections == 0)
    assert _causes(server) == ["handshake"]
    assert not re.search("localhost", str(server.house.disturbed))
    assert _ask(server, tmp_path)[0] == 200


def test_a_server_that_stops_does_not_wait_for_handshakes(tmp_path: Path) -> None:
    house = full_house(tmp_path)
    house.settings = ServerSettings(tls_certificate="server.pem", tls_key="server.key", header_seconds=60.0)
    with running(house, "uvloop", Certificate(*write_pair(tmp_path)).context) as server:
        waiting = server.connect()
        _until(lambda: server.listener.open_connections == 1)
        began = time.monotonic()
    with waiting:
        assert rest(waiting) == b""
    assert time.monotonic() - began < PATIENCE
    assert _causes(server) == []
