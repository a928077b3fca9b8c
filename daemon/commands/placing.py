"""Bringing a file into the source folder without harm to what waits there."""

from __future__ import annotations

import filecmp
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from daemon.commands.answers import printable
from handlers.domain.files import FileStamp, ignored_because, shown_name
from handlers.storage import files
from handlers.storage.dropping import drop
from handlers.storage.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Placed:
    """A file in the source folder. ``name`` as the system has it."""

    name: str
    stamp: FileStamp

    @property
    def shown(self) -> str:
        """The name as the ledger has it."""
        return shown_name(self.name)

    def is_(self, stamp: FileStamp) -> bool:
        """Is this the stamp of this file? A rename, or a new link, changes its ctime."""
        return _lasting(stamp) == _lasting(self.stamp)

    def is_there(self, folder: Path) -> bool:
        """Does it still lie in the folder as it was?"""
        try:
            return self.is_(FileStamp.of((folder / self.name).lstat()))
        except FileNotFoundError:
            return False


def check_names(paths: Sequence[Path]) -> None:
    """Raise a usage error for what the source folder would not take, before anything is copied."""
    for path in paths:
        reason = ignored_because(path.name)
        if reason is not None:
            raise click.BadParameter(f"{printable(shown_name(str(path)))}: {reason.detail} {reason.hint}")
        if not path.is_file():
            raise click.BadParameter(f"{printable(shown_name(str(path)))} is not a regular file.")
    twice = [name for name, count in Counter(path.name for path in paths).items() if count > 1]
    if twice:
        name = printable(shown_name(twice[0]))
        raise click.BadParameter(f"{name} is named more than once: in the source folder one would replace the other.")


def place_file(path: Path, folder: Path, ledger: Ledger) -> Placed:
    """Copy a file into the source folder unless it is there. Raises ClickException where another one waits there."""
    target = folder / path.name
    try:
        status = target.lstat()
    except FileNotFoundError:
        return Placed(path.name, drop(path, folder))
    shown = printable(shown_name(str(target)))
    if not stat.S_ISREG(status.st_mode):
        raise click.ClickException(f"{shown} is there and is not a regular file.")
    if filecmp.cmp(path, target, shallow=False):
        return Placed(path.name, FileStamp.of(status))
    with ledger.read() as connection:
        if not files.is_known(connection, shown_name(path.name), FileStamp.of(status)):
            raise click.ClickException(
                f"{shown} has other content and has not been taken yet; give yours another name."
            )
    return Placed(path.name, drop(path, folder))


def _lasting(stamp: FileStamp) -> tuple[int, int, int]:
    return stamp.inode, stamp.size, stamp.mtime_ns
