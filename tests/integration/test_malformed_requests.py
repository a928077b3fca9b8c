"""Requests that are none, and those by which one would be smuggled past a proxy: refused, told, and never repeated."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.settings import ServerSettings
from tests.integration.raw_server import LOOPS, RawServer, answer, rest, running, send
from tests.unit.server.small_house import empty_house, full_house

SECRET = b"s3cr3t"
HOST = b"Host: localhost\r\n"
GET = b"GET /livez?" + SECRET + b" HTTP/1.1\r\n"
POST = b"POST /v1/prediction?x=" + SECRET + b" HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SMUGGLED = b"GET /smuggled-" + SECRET + b" HTTP/1.1\r\n" + HOST + b"\r\n"
AFTER = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
SETTINGS = ServerSettings(header_seconds=5.0, body_seconds=5.0, linger_seconds=1.0)


def _length(value: bytes, body: bytes = b"{}") -> bytes:
    return POST + b"Content-Length: " + value + b"\r\n\r\n" + body


def _coded(value: bytes, body: bytes = b"2\r\n{}\r\n0\r\n\r\n") -> bytes:
    return POST + b"Transfer-Encoding: " + value + b"\r\n\r\n" + body


def _chunks(body: bytes) -> bytes:
    return POST + CHUNKED + b"\r\n" + body


def _field(line: bytes) -> bytes:
    return GET + HOST + line + b"\r\n\r\n"


REFUSED: dict[str, bytes] = {
    "length and chunks": POST + b"Content-Length: 4\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + SMUGGLED,
    "chunks and length": POST + CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}" + SMUGGLED,
    "the same length twice": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": _length(b"2, 2"),
    "a negative length": _length(b"-2"),
    "a signed length": _length(b"+2"),
    "a hexadecimal length": _length(b"0x2"),
    "a length with a space in it": _length(b"2 2"),
    "an empty length": _length(b""),
    "a length beyond 64 bits": _length(b"99999999999999999999999"),
    "a length and a space before its colon": POST + b"Content-Length : 2\r\n\r\n{}",
    "another transfer coding": _coded(b"xchunked"),
    "another coding and then chunks": _coded(b"gzip, chunked"),
    "chunked and then another coding": _coded(b"chunked, identity"),
    "chunked twice": POST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n",
    "a coding after a vertical tab": _coded(b"\x0bchunked"),
    "a coding in quotes": _coded(b'"chunked"'),
    "a coding and a space before its colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a coding in a folded line": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "chunks from HTTP/1.0": POST.replace(b"HTTP/1.1", b"HTTP/1.0") + CHUNKED + b"\r\n0\r\n\r\n",
    "a chunk size that is none": _chunks(b"zz\r\n" + SECRET),
    "a negative chunk size": _chunks(b"-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size with 0x": _chunks(b"0x2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size beyond 64 bits": _chunks(b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
    "a chunk size and a line feed": _chunks(b"2\n{}\r\n0\r\n\r\n"),
    "a chunk that is longer than it says": _chunks(b"2\r\n{}" + SECRET + b"\r\n0\r\n\r\n"),
    "a chunk extension with a line feed": _chunks(b"2;" + SECRET + b"\n{}\r\n0\r\n\r\n"),
    "line feeds alone": (GET + HOST + b"\r\n").replace(b"\r\n", b"\n"),
    "a line feed alone in a field": _field(b"X: " + SECRET + b"\nY: z"),
    "a carriage return in a field": _field(b"X: " + SECRET + b"\rY: z"),
    "a NUL in a field": _field(b"X: a\0" + SECRET),
    "a NUL in the address": b"GET /\0" + SECRET + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a folded field": _field(b"X: a\r\n " + SECRET),
    "a space before the first field": GET + b" X: " + SECRET + b"\r\n" + HOST + b"\r\n",
    "a field without a name": _field(b": " + SECRET),
    "a field without a colon": _field(SECRET),
    "a name with a space in it": _field(b"X Y: " + SECRET),
    "a name with a bracket in it": _field(b"X(Y: " + SECRET),
    "no host": GET + b"\r\n",
    "two hosts": GET + HOST + HOST + b"\r\n",
    "the host of somebody else": GET + b"Host: evil.example\r\n\r\n",
    "the address of somebody else": b"GET http://evil.example/livez HTTP/1.1\r\n" + HOST + b"\r\n",
    "an address with a user before the host": b"GET http://localhost@evil.example/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "an address of another scheme": b"GET gopher://localhost/livez HTTP/1.1\r\n" + HOST + b"\r\n",
    "an address without a slash": b"GET livez HTTP/1.1\r\n" + HOST + b"\r\n",
    "an address with a space in it": b"GET /livez " + SECRET + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "an address that is too long": b"GET /" + SECRET * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
    "everything of nothing": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "the beginning of TLS": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + SECRET + b"\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SECRET,
    "HTTP/0.9": b"GET /livez\r\n\r\n",
    "HTTP/2.0": b"GET /livez HTTP/2.0\r\n" + HOST + b"\r\n",
    "HTTP/1.2": b"GET /livez HTTP/1.2\r\n" + HOST + b"\r\n",
    "a version in lower case": b"GET /livez http/1.1\r\n" + HOST + b"\r\n",
    "an invented method": SECRET + b" /livez HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method in lower case": b"get /livez HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes": bytes(range(128, 256)) + SECRET + b"\r\n\r\n",
    "a field that is too long": _field(b"X: " + SECRET * 5_000),
    "too many fields": GET + HOST + b"".join(b"X-%d: %b\r\n" % (number, SECRET) for number in range(200)) + b"\r\n",
    "an expectation that nobody knows": _field(b"Expect: " + SECRET),
    "a second request that is none": _field(b"X: y") + b"GET " + SECRET + b"\r\n\r\n",
}
IN_PIECES: dict[str, tuple[bytes, ...]] = {
    "headers that never end": (GET + HOST, *([b"X: " + SECRET * 100 + b"\r\n"] * 100)),
    "a chunk size that is none after a good chunk": (_chunks(b"1\r\n{\r\n"), b"zz\r\n" + SECRET),
    "a chunk that is longer than it says": (_chunks(b"1\r\n{"), SECRET + b"\r\n0\r\n\r\n"),
}
TAKEN: dict[str, bytes] = {
    "another protocol that is offered": _field(
        b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AA"
    ),
    "a web socket that is asked for": _field(b"Upgrade: websocket\r\nConnection: Upgrade"),
    "the address of this machine": b"GET http://127.0.0.1/livez HTTP/1.1\r\n" + HOST + b"\r\n",
    "an empty line before the request": b"\r\n" + GET + HOST + b"\r\n",
    "chunks with an extension and a trailer": (GET + HOST + CHUNKED + b"\r\n2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n"),
    "a body that nobody reads": GET + HOST + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
}


@pytest.fixture(params=LOOPS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RawServer]:
    """Without a model."""
    house = empty_house(tmp_path)
    house.settings = SETTINGS
    with running(house, request.param) as one:
        yield one


@pytest.fixture(params=LOOPS)
def predicting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RawServer]:
    """With one, so that bodies are read."""
    house = full_house(tmp_path)
    house.settings = SETTINGS
    with running(house, request.param) as one:
        yield one


def _problem(head: bytes, body: bytes) -> int:
    """The status of a problem as the contract has it, with the headers that every answer has."""
    assert head.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    assert fields[b"content-type"] == b"application/problem+json"
    assert fields[b"x-content-type-options"] == b"nosniff"
    assert fields[b"content-security-policy"] == b"default-src 'none'; frame-ancestors 'none'"
    assert len(fields[b"x-request-id"]) > 16
    document = json.loads(body)
    assert set(document) == {"type", "title", "status", "detail", "errors"}
    assert document["detail"]
    return int(document["status"])


def _answers(came: bytes) -> list[tuple[bytes, bytes]]:
    """Head and body of each answer; nothing may stand between them or behind the last."""
    answers = []
    while came:
        head, _, came = came.partition(b"\r\n\r\n")
        (length,) = re.findall(rb"(?i)\r\ncontent-length: (\d+)", head)
        answers.append((head, came[: int(length)]))
        came = came[int(length) :]
    return answers


def _exchange(server: RawServer, *pieces: bytes) -> list[tuple[bytes, bytes]]:
    """What is answered to the pieces, and to a good request after them on the same connection."""
    with server.connect() as connection:
        send(connection, pieces)
        first = connection.recv(65_536)
        send(connection, [AFTER])
        return _answers(first + rest(connection))


def _is_told_once(server: RawServer) -> int:
    """The status of the one line about the refused request; nobody logs anything else."""
    assert server.faults == []
    lines = [str(one) for one in server.house.disturbed]
    lines += [str(one) for one in server.house.served if one.status >= 400]
    assert len(lines) == 1
    assert SECRET.decode() not in lines[0]
    return len(lines)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_request_is_a_problem_and_the_connection_closed_or_in_step(
    server: RawServer, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    answers = _exchange(server, REFUSED[name])
    statuses = [int(head.split(b" ")[1]) for head, _ in answers]
    assert statuses in ([statuses[0]], [statuses[0], 200])
    assert 400 <= _problem(*answers[0]) == statuses[0] < 500
    assert SECRET not in b"".join(head + body for head, body in answers)
    assert answers[1:] == [] or json.loads(answers[1][1]) == {"status": "alive"}
    _is_told_once(server)
    assert caplog.records == []


@pytest.mark.parametrize("name", IN_PIECES)
def test_what_turns_out_to_be_no_request_is_a_problem_and_the_connection_closed(
    predicting: RawServer, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with predicting.connect() as connection:
        for piece in IN_PIECES[name]:
            send(connection, [piece])
            time.sleep(0.01)  # a segment of its own
        ((head, body),) = _answers(rest(connection))
    assert 400 <= _problem(head, body) < 500
    assert SECRET not in head + body
    _is_told_once(predicting)
    assert caplog.records == []


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_odd_but_allowed_leaves_the_connection_in_step(server: RawServer, name: str) -> None:
    answers = _exchange(server, TAKEN[name])
    assert [json.loads(body) for _, body in answers] == [{"status": "alive"}] * 2
    assert server.house.disturbed == []
    assert [one.status for one in server.house.served] == [200, 200]


def test_a_flood_is_told_in_a_few_lines_and_counted(server: RawServer) -> None:
    for _ in range(60):
        _exchange(server, REFUSED["bytes"])
    assert 20 <= len(server.house.disturbed) < 40
    assert _counted(server, "malformed") == 60


LONG_HEAD = GET + HOST + b"".join(b"X-%d: %b\r\n" % (number, SECRET * 100) for number in range(60)) + b"\r\n"


@pytest.mark.parametrize(
    "before", [b"", POST + b"Content-Length: 2\r\n\r\n{}"], ids=["alone", "behind another request"]
)
def test_headers_that_are_too_long_together_are_refused_though_they_come_at_once(
    server: RawServer, before: bytes
) -> None:
    assert SETTINGS.max_header_bytes < len(LONG_HEAD)
    *_, (head, body) = _exchange(server, before + LONG_HEAD)
    assert _problem(head, body) == 431
    assert b"server.max_header_bytes" in body
    assert _counted(server, "headers_too_large") == 1


@pytest.mark.parametrize(
    "before", [_field(b"X: y") * 60, _field(b"Upgrade: websocket\r\nConnection: Upgrade")], ids=["many", "an upgrade"]
)
def test_headers_that_are_too_long_are_refused_though_the_parser_held_them_back(
    server: RawServer, before: bytes
) -> None:
    *_, (head, body) = _exchange(server, before + LONG_HEAD)
    assert _problem(head, body) == 431
    assert _counted(server, "headers_too_large") == 1


def test_what_is_asked_behind_a_body_that_came_late_is_answered(predicting: RawServer) -> None:
    """The parser holds back what comes behind some thirty requests."""
    with predicting.connect() as connection:
        send(connection, [POST + b"Content-Length: 2\r\n\r\n"])
        time.sleep(0.05)  # a segment of its own
        send(connection, [b"{}" + _field(b"X: y") * 60 + AFTER])
        statuses = [int(head.split(b" ")[1]) for head, _ in _answers(rest(connection))]
    assert statuses == [422] + [200] * 61


def test_headers_that_are_long_enough_together_are_taken(server: RawServer) -> None:
    padding = SETTINGS.max_header_bytes - len(GET + HOST + b"\r\n")
    fields = b"".join(b"X-%d: %b\r\n" % (number, b"x" * 4000) for number in range(8))
    fields += b"Y: " + b"y" * (padding - len(fields) - len(b"Y: \r\n")) + b"\r\n"
    whole = GET + HOST + fields + b"\r\n"
    assert len(whole) == SETTINGS.max_header_bytes
    assert [int(head.split(b" ")[1]) for head, _ in _exchange(server, whole)] == [200, 200]
    over = whole.replace(b"X-0: x", b"X-0: xx")
    assert [int(head.split(b" ")[1]) for head, _ in _exchange(server, over)] == [431]


def test_too_many_headers_are_said_to_be_too_many(server: RawServer) -> None:
    ((head, body),) = _exchange(server, REFUSED["too many fields"])
    assert _problem(head, body) == 431
    assert b"128 headers" in body


def _counted(server: RawServer, cause: str) -> float:
    with server.connect() as connection:
        send(connection, [b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n"])
        _, _, text = answer(connection)
    (count,) = re.findall(rb'attritiond_http_disturbances_total\{cause="%b"\} (\S+)' % cause.encode(), text)
    return float(count)
