"""Notices to systemd."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """A socket as systemd opens it, and its name in NOTIFY_SOCKET."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@attritiond-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(name.replace("@", "\0", 1) if request.param == "abstract" else name)
        receiver.settimeout(5)
        yield name, receiver


def test_each_notice_arrives_as_the_protocol_wants_it(systemd: tuple[str, socket.socket]) -> None:
    name, receiver = systemd
    notifier = Notifier({"NOTIFY_SOCKET": name})
    received = []
    notices: list[Callable[[], None]] = [
        lambda: notifier.ready("Model 7,\n3 files wait"),
        notifier.ready,
        lambda: notifier.status("Training"),
        notifier.alive,
        notifier.stopping,
    ]
    for notice in notices:
        notice()
        received.append(receiver.recv(1000).decode())
    assert received == [
        "READY=1\nSTATUS=Model 7, 3 files wait",
        "READY=1",
        "STATUS=Training",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


def test_reloading_carries_the_time_of_the_monotonic_clock(systemd: tuple[str, socket.socket]) -> None:
    name, receiver = systemd
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    Notifier({"NOTIFY_SOCKET": name}).reloading()
    first, second = receiver.recv(1000).decode().split("\n")
    assert first == "RELOADING=1"
    assert before <= int(second.removeprefix("MONOTONIC_USEC=")) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


@pytest.mark.parametrize(
    "environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}, {"NOTIFY_SOCKET": "/x/y"}]
)
def test_without_a_listener_nothing_happens(environ: dict[str, str]) -> None:
    notifier = Notifier(environ)
    notifier.ready("fine")
    notifier.alive()
    notifier.reloading()
    notifier.stopping()


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_interval_is_that_of_this_process(environ: dict[str, str], seconds: float | None) -> None:
    assert Notifier(environ).watchdog_interval() == seconds
