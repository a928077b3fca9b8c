"""The folder of models that were trained and not deployed: a sub-folder each, the oldest removed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from handlers.storage.atomic import write_atomically

_PREFIX = "decision-"


def write(folder: Path, name: str, contents: Mapping[str, bytes]) -> None:
    """Write a model's files; those of an earlier try at the same decision are replaced."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    for file, content in contents.items():
        write_atomically(place / file, content)


def prune(folder: Path, most: int) -> None:
    """Remove the oldest beyond ``most``; what we did not write stays."""
    own = sorted(entry for entry in folder.iterdir() if entry.is_dir() and entry.name.startswith(_PREFIX))
    for place in own[: max(0, len(own) - most)]:
        shutil.rmtree(place)
