"""Unix sockets in the output folder: its rights guard them, and they may lie deeper than an address is long."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

LONGEST_PATH = 100
"""A Unix socket's address holds 107 bytes; a longer path is reached through a descriptor of its folder."""


def bound(path: Path) -> socket.socket:
    """Bind a socket; its rights are narrowed before anybody can connect. What a killed process left is replaced."""
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with address(path) as where:
            made.bind(where)
        path.chmod(0o600)
    except OSError:
        made.close()
        raise
    return made


@contextlib.contextmanager
def address(path: Path) -> Iterator[str]:
    """Where the socket at a path is reached, inside this."""
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
