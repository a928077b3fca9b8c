"""Tell systemd how the daemon is doing: the protocol of ``sd_notify(3)``, without a library.

Outside systemd (no ``NOTIFY_SOCKET`` in the environment) every call does nothing. Nothing here raises: a notice that
cannot be given must not stop the work.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping


class Notifier:
    """Sends notices to the socket that the environment names."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """``environ``: what systemd has set; None takes the environment of this process."""
        environ = os.environ if environ is None else environ
        path = environ.get("NOTIFY_SOCKET", "")
        self._address = _address(path)
        self._interval = _watchdog_interval(environ)

    def ready(self, status: str = "") -> None:
        """The daemon is up, or has taken its new configuration."""
        self._send("READY=1", *_status(status))

    def status(self, status: str) -> None:
        """One line for ``systemctl status``."""
        self._send(*_status(status))

    def alive(self) -> None:
        """Reset the watchdog; to be called more often than every ``watchdog_interval()`` seconds."""
        self._send("WATCHDOG=1")

    def reloading(self) -> None:
        """The configuration is being read again; ``ready`` ends it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self, status: str = "") -> None:
        """The daemon is on its way out."""
        self._send("STOPPING=1", *_status(status))

    def watchdog_interval(self) -> float | None:
        """The seconds after which systemd takes a silent daemon for hung, or None when it does not watch."""
        return self._interval

    def _send(self, *lines: str) -> None:
        if self._address is None or not lines:
            return
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        try:
            with socket.socket(socket.AF_UNIX, kind) as sender:
                sender.sendto("\n".join(lines).encode("utf-8", "backslashreplace"), self._address)
        except OSError:
            return


def _address(path: str) -> str | None:
    if path.startswith("@"):
        return "\0" + path[1:]
    return path if path.startswith("/") else None


def _watchdog_interval(environ: Mapping[str, str]) -> float | None:
    microseconds, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not microseconds.isascii() or not microseconds.isdigit() or int(microseconds) == 0:
        return None
    if pid and pid != str(os.getpid()):
        return None  # meant for the process that started us
    return int(microseconds) / 1e6


def _status(status: str) -> tuple[str, ...]:
    return (f"STATUS={' '.join(status.split())}",) if status else ()
