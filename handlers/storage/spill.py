"""Tables of a large file that wait on disk until the whole file is read: no part of the data set, gone at a restart."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

_SUFFIX = ".arrow"


@dataclass(frozen=True, slots=True)
class Spilled:
    """A table that waits in a file of its own."""

    path: Path
    rows: int

    def load(self) -> pa.Table:
        """The table, mapped and not read, so that it takes no memory that the system could not take back.

        It stays readable after the spill was closed. Raises OSError.
        """
        with pa.memory_map(str(self.path)) as file, pa.ipc.open_file(file) as reader:
            return reader.read_all()


class Spill:
    """The tables of one file, in ``folder``, which is made with the first of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: list[Path] = []

    def put(self, table: pa.Table) -> Spilled:
        """Write a table as it is, without compression. Raises OSError; ``close`` removes what is left then."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{secrets.token_hex(8)}{_SUFFIX}"
        # Before it is written, because a full disk leaves a part of it.
        self._paths.append(path)
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        return Spilled(path, table.num_rows)

    def close(self) -> None:
        """Remove all files; closing twice does no harm."""
        while self._paths:
            self._paths.pop().unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def empty(folder: Path) -> int:
    """Remove what a process that was killed has left there. Returns how many files; nobody may be writing there."""
    left = [path for path in folder.iterdir() if not path.is_dir()] if folder.is_dir() else []
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)
