"""What a worker says of an exception: whose fault it is, where it was raised, and nothing that a client's row holds."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import OperationalError

from handlers.storage.ledger import LedgerError
from handlers.storage.releases import ReleaseError

MACHINE = frozenset(
    getattr(errno, name)
    for name in (
        *("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO", "ENOMEM", "EMFILE", "ENFILE", "EAGAIN"),
        *("EACCES", "EPERM", "ESTALE", "ENOTCONN", "ETIMEDOUT"),
    )
)
"""Errors of a machine rather than of a file: a full disk, a missing right, a share that is gone."""


@dataclass(frozen=True, slots=True)
class Failure:
    """``broken``: the machine is at fault; the same may succeed later. ``trace``: the places, the innermost last."""

    message: str
    trace: str
    broken: bool


def failure_of(error: Exception) -> Failure:
    """Describe an exception. A message is repeated where it speaks of files, else its type and place must do."""
    kind = type(error).__name__
    broken = is_machine(error)
    if broken or isinstance(error, OSError):
        message = f"{kind}: {getattr(error, 'orig', None) or error}"
    else:
        frames = traceback.extract_tb(error.__traceback__)
        place = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        message = f"{kind}{place}"
    return Failure(message, "".join(_places(error)), broken)


def is_machine(error: BaseException | None) -> bool:
    """Is it the machine that is at fault, or a release that somebody has changed, and not what was worked on?"""
    if isinstance(error, OperationalError | LedgerError | ReleaseError):
        return True
    return isinstance(error, OSError) and error.errno in MACHINE


def _places(error: BaseException) -> Iterator[str]:
    """The traceback of an exception and of those behind it, without their messages."""
    behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if behind is not None:
        yield from _places(behind)
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__module__}.{type(error).__qualname__}\n"
