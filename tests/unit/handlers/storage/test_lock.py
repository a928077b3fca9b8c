"""One daemon for each data set."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from handlers.storage.lock import LockHeld, acquire


def test_a_second_one_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "made" / "daemon.lock"
    held = acquire(path)
    with pytest.raises(LockHeld, match=f"process {os.getpid()}") as raised:
        acquire(path)
    assert raised.value.pid == os.getpid()
    os.close(held)


def test_the_lock_is_free_when_its_last_holder_is_gone_whatever_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    path.write_text("99999999999\n and more than a pid")
    held = acquire(path)
    assert path.read_text() == f"{os.getpid()}\n"
    inherited = os.dup(held)
    os.close(held)
    with pytest.raises(LockHeld):
        acquire(path)
    os.close(inherited)
    os.close(acquire(path))


def test_a_holder_that_has_not_written_its_pid_yet_is_another_process(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(LockHeld, match="another process") as raised:
        acquire(path)
    assert raised.value.pid is None
    os.close(descriptor)
