"""A dropped file: its states, and why it was refused or what was guessed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum


class FileState(StrEnum):
    """Where a file stands. The words are those of the API."""

    WAITING = "waiting"
    INGESTED = "ingested"
    SCORED = "scored"
    HELD = "held"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    IGNORED = "ignored"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RowCounts:
    """What became of a file's rows: read = ingested + duplicate + rejected, except where the file was refused whole
    because of its rejected ones."""

    read: int = 0
    ingested: int = 0
    duplicate: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a file is where it is: a stable code, a sentence with the place, and what to do next.

    ``rows``: of a file that was refused for its rows, how many were read and how many cannot be used. ``logged``: what
    the log says in place of ``detail``, where that repeats what stands in the file.
    """

    code: str
    detail: str
    hint: str = ""
    lines: tuple[int, ...] = ()
    rows: RowCounts = RowCounts()
    logged: str | None = None


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that was set aside. ``line`` is the physical line in the file, the header being line 1."""

    line: int
    column: str
    code: str
    value: str


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What ``fstat`` says of a file. It may spare a rehash; it never identifies."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileStamp:
        """From what ``stat`` answered; device and inode are cut to what a database's integer holds."""
        widest = 2**63 - 1
        return cls(
            status.st_dev & widest, status.st_ino & widest, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        )


def shown_name(name: str) -> str:
    """A file's name for records, pages and the log: bytes that are not UTF-8 become backslash escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One row of the ledger's ``files``: one content under one name."""

    seq: int
    name: str
    sha256: str | None
    state: FileState
    reason: Reason | None
    notes: tuple[str, ...]
    rows: RowCounts
    unlabelled: int
    size: int
    seen_at: str
    committed_at: str
    seconds: float
    dataset_version: int


IGNORED_SUFFIXES = (".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp")


def ignored_because(name: str) -> Reason | None:
    """Why a name is not an input, or None for one that is."""
    lower = name.lower()
    if name.startswith("."):
        return Reason("hidden", "Names that begin with a dot are not taken.", "Rename the file.")
    if name.endswith("~") or lower.endswith(IGNORED_SUFFIXES):
        return Reason("temporary", "The name is that of a file still being written.", "Rename it when complete.")
    if not lower.endswith((".csv", ".csv.gz")):
        return Reason("not_csv", "Only *.csv and *.csv.gz are taken.", "Save it as CSV, or rename it.")
    return None
