"""What the front asks of its workers, and what they answer: plain values that travel as one JSON line each."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Role = Literal["ingest", "model", "pipeline"]


class Refused(Exception):
    """What was asked cannot be; the message says why and what to do next."""


class Greeting(msgspec.Struct, frozen=True):
    """The first line: the settings as the front has read them, and the folder of the configuration file."""

    settings: dict[str, Any]
    config: str


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a worker. ``taken``: the task begins. ``event``: a fact, at once. ``done``: the task's answer.

    ``failed``: it raised. ``refused``: what was asked cannot be. ``broken``: the machine is at fault.
    """

    taken: bool = False
    event: str | None = None
    fields: dict[str, Any] = {}
    done: bool = False
    answer: Any = None
    failed: str | None = None
    refused: bool = False
    broken: bool = False


class Arrived(msgspec.Struct, frozen=True):
    """A settled file. ``name``: the bytes that the system has; not every name is UTF-8. ``size``: its bytes when it
    settled. ``unread`` and ``failed``: it is only to be recorded as refused, or as failed for this reason."""

    name: bytes
    seen_at: str
    unread: bool = False
    failed: str | None = None
    size: int = 0


class Ingest(msgspec.Struct, frozen=True, tag=True):
    """Take a group of files."""

    files: tuple[Arrived, ...]


class WriteFinaldata(msgspec.Struct, frozen=True, tag=True):
    """Bring ``finaldata.csv`` up to the data set: its cost follows what is there, so no file waits for it."""


class Compact(msgspec.Struct, frozen=True, tag=True):
    """Put small parts of the data set together, if there are enough: one step. The answer: is there more to do?"""


class Rescore(msgspec.Struct, frozen=True, tag=True):
    """The champion has changed: rank what waits for it, and the newest drop."""


class Recover(msgspec.Struct, frozen=True, tag=True):
    """At the start: sweep what a killed process left, remake the links, follow up commits."""


class ResetSchema(msgspec.Struct, frozen=True, tag=True):
    """Forget the provisional schema and the rows that were read by it."""


class Decide(msgspec.Struct, frozen=True, tag=True):
    """Decide one block. ``give_up``: the worker has died on it twice; end it as failed."""

    give_up: bool = False


class Activate(msgspec.Struct, frozen=True, tag=True):
    """Make a release the current one; None: the previous one."""

    version: int | None


class ReleaseFiles(msgspec.Struct, frozen=True, tag=True):
    """Let held files be learned from; they are named by the beginnings of their SHA-256. The answer: their records as
    shown."""

    sha256: tuple[str, ...]


class Check(msgspec.Struct, frozen=True, tag=True):
    """What would happen to a file? ``path``: where its content lies; ``name``: what it would be called, as bytes."""

    path: bytes
    name: bytes


class Open(msgspec.Struct, frozen=True, tag=True):
    """Verify a release, open its pipeline, and answer from it at its socket."""

    version: int


class Report(msgspec.Struct, frozen=True, tag=True):
    """Write the reports that are missing."""


Task = (
    Check
    | Ingest
    | WriteFinaldata
    | Compact
    | Rescore
    | Recover
    | ResetSchema
    | Decide
    | Activate
    | ReleaseFiles
    | Report
    | Open
)
