"""What the front asks of its workers: plain values that travel as one JSON line each."""

from __future__ import annotations

import msgspec


class Arrived(msgspec.Struct, frozen=True):
    """A settled file. ``name``: the bytes that the system has; not every name is UTF-8."""

    name: bytes
    seen_at: str
    unread: bool = False


class Ingest(msgspec.Struct, frozen=True, tag=True):
    """Take a group of files. ``more``: others wait, so that what can be done later is left for later."""

    files: tuple[Arrived, ...]
    more: bool = False


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


class Report(msgspec.Struct, frozen=True, tag=True):
    """Write the reports that are missing."""


Task = Ingest | Rescore | Recover | ResetSchema | Decide | Activate | Report
