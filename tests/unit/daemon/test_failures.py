"""What a worker says of an exception."""

from __future__ import annotations

import errno

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from daemon.failures import failure_of, is_machine
from handlers.storage.releases import ReleaseError


def _raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


@pytest.mark.parametrize(
    ("error", "machine"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (PermissionError(errno.EACCES, "Permission denied"), True),
        (OSError(errno.ENAMETOOLONG, "File name too long"), False),
        (OperationalError("INSERT", {}, Exception("database or disk is full")), True),
        (IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed")), False),
        (ReleaseError("Release 3 cannot be used"), True),
        (MemoryError(), False),
        (KeyError("Muster AG"), False),
    ],
)
def test_the_machine_is_told_from_the_file(error: Exception, machine: bool) -> None:
    assert is_machine(error) is machine
    assert failure_of(error).broken is machine


def test_what_speaks_of_files_is_repeated_and_a_statement_with_its_values_is_not() -> None:
    full = OperationalError("INSERT INTO files VALUES (?)", ("Muster AG",), Exception("database or disk is full"))
    assert failure_of(full).message == "OperationalError: database or disk is full"
    assert "'/x'" in failure_of(OSError(errno.ENAMETOOLONG, "File name too long", "/x")).message


def test_a_value_of_a_client_is_neither_in_the_message_nor_in_the_trace() -> None:
    try:
        try:
            float("Muster AG")
        except ValueError as error:
            raise KeyError("Muster AG") from error
    except KeyError as error:
        failure = failure_of(error)
    assert failure.message.startswith("KeyError in test_failures.py:")
    assert "builtins.ValueError" in failure.trace
    assert "could not convert" not in failure.trace
    assert failure.trace.rstrip().endswith("builtins.KeyError")


def test_an_exception_that_was_never_raised_is_described_as_well() -> None:
    assert failure_of(ValueError("x")).message == "ValueError"
    assert failure_of(_raised(ValueError("x"))).message.startswith("ValueError in test_failures.py:")
