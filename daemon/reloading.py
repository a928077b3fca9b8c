"""A configuration that is read again while the daemon runs: what can change at once, and what waits for a restart."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from daemon import identity
from daemon.settings import Settings, read, workspace

NEED_RESTART = ("server", "dataset", "ingestion", "engine", "logging")
"""Sections that a reload does not reach, besides the folders."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """``settings``: those that are in force from now on. ``changed``: the keys and sections that differ in the file;
    ``after_restart``: those of them that are in force only after a restart."""

    settings: Settings
    changed: tuple[str, ...]
    after_restart: tuple[str, ...]


def read_again(config: Path, running: Settings) -> Reloaded:
    """Read the file, and keep of the running settings what cannot change. Raises ConfigurationError, LedgerError."""
    settings = read(config, os.environ)
    identity.require_fitting(settings, workspace(settings, config))
    changed = tuple(name for name in settings.__struct_fields__ if getattr(settings, name) != getattr(running, name))
    later = tuple(name for name in changed if name in NEED_RESTART or name.endswith("_path"))
    kept = {name: getattr(running, name) for name in later}
    return Reloaded(msgspec.structs.replace(settings, **kept), changed, later)
