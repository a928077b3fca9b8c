"""2,000 slow clients beside 100 good ones: the good ones are all answered, the slow ones cut off by their deadlines."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from urllib.parse import urlsplit

from tests.end_to_end.daemon_process import PATIENCE, DaemonProcess, running
from tests.end_to_end.drops import Clients, csv_text, drop_all, workspace
from tests.end_to_end.good_clients import ask
from tests.end_to_end.slow_clients import KINDS, slow_clients

SLOW, GOOD = 2000, 100
DEADLINES = {"header_seconds": 3, "body_seconds": 3, "answer_seconds": 3, "linger_seconds": 1}
SECRET = b"s3cr3t"


def test_slow_clients_are_cut_off_and_the_good_ones_all_answered(folder: Path, clients: Clients) -> None:
    with running(workspace(folder, server=DEADLINES)) as daemon:
        drop_all(folder / "sourcedata", {"first.csv": csv_text(clients.rows(400))})
        daemon.wait_for("model.promoted")
        daemon.wait_settled()
        with slow_clients(daemon.url, SLOW) as slow:
            asked = ask(daemon.url, connections=GOOD, every=0.5, seconds=8.0)
        assert asked.failures == []
        assert len(asked.seconds) >= GOOD * 10
        assert slow.open >= 0.9 * SLOW
        assert all(slow.cut[kind] >= SLOW / len(KINDS) / 2 for kind in KINDS), slow.cut
        assert daemon.events("connection.refused") == []
        assert 2 <= len(daemon.events("connection.cut")) < 100, "many lines in one"
        daemon.stop()


def test_what_is_no_request_is_one_line_of_the_log_without_its_bytes(folder: Path) -> None:
    sent = (
        b"GET /" + SECRET + b" HTTP/1.1\r\nHost: localhost\r\nX: a\0" + SECRET + b"\r\n\r\n",
        b"\x16\x03\x01" + SECRET + b"\r\n\r\n",
        b"GET /" + SECRET * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    )
    with running(workspace(folder)) as daemon:
        for number, content in enumerate(sent, start=1):
            assert SECRET not in _answer(daemon, content)
            daemon.wait_count("request.malformed", number)
        daemon.stop()
    assert [line["cause"] for line in daemon.events("request.malformed")] == ["malformed"] * 2 + ["headers_too_large"]
    assert SECRET.decode() not in json.dumps(daemon.lines)


def _answer(daemon: DaemonProcess, content: bytes) -> bytes:
    address = urlsplit(daemon.url)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE) as connection:
        connection.sendall(content)
        came = b""
        while part := connection.recv(65_536):
            came += part
    assert came.startswith(b"HTTP/1.1 4")
    return came
