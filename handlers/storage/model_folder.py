"""The folder of models that were trained and not deployed: a sub-folder each, the oldest removed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from handlers.storage.atomic import write_atomically

_PREFIX = "challenger-"
_OWN = re.compile(r"challenger-s([0-9]+)")


def write(folder: Path, name: str, contents: Mapping[str, bytes]) -> None:
    """Write a model's files; those of an earlier try at the same decision are replaced."""
    place = folder / (_PREFIX + name)
    place.mkdir(parents=True, exist_ok=True)
    for file, content in contents.items():
        write_atomically(place / file, content)


def read(folder: Path, name: str) -> dict[str, bytes]:
    """The files of a model by their names. Raises ValueError where its folder is gone or cannot be read."""
    place = folder / (_PREFIX + name)
    try:
        return {entry.name: entry.read_bytes() for entry in place.iterdir() if not entry.name.startswith(".")}
    except OSError as error:
        raise ValueError(str(error)) from error


def prune(folder: Path, keep: set[str], most: int) -> None:
    """Remove the oldest beyond ``most`` of those that need not be kept; what we did not write stays."""
    own = [(int(found[1]), entry) for entry in folder.iterdir() if (found := _OWN.fullmatch(entry.name))]
    free = [entry for _, entry in sorted(own) if entry.name.removeprefix(_PREFIX) not in keep and entry.is_dir()]
    for place in free[: max(0, len(free) - most)]:
        shutil.rmtree(place)
