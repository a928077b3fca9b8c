"""Bytes that another process is to read: too many for a pipe of ours, wanted for a moment only."""

from __future__ import annotations

import secrets
from pathlib import Path


def write(folder: Path, content: bytes) -> Path:
    """Write bytes to a new file. Whoever asked removes it; what a killed process left is swept at the start.

    Raises OSError, and then nothing is left behind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"spool-{secrets.token_hex(8)}"
    try:
        with path.open("xb") as stream:
            stream.write(content)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def remove(path: Path) -> None:
    """The moment is over. Raises OSError."""
    path.unlink(missing_ok=True)
