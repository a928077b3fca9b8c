"""The folder of models that were trained and not deployed: a sub-folder each, the oldest removed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
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


def read(folder: Path, name: str, files: Sequence[str]) -> dict[str, bytes] | None:
    """These files of a model, or None where one of them cannot be read."""
    try:
        return {file: (folder / (_PREFIX + name) / file).read_bytes() for file in files}
    except OSError:
        return None


def prune(folder: Path, keep: set[str], most: int) -> None:
    """Remove the oldest beyond ``most`` of those that need not be kept; what we did not write stays."""
    own = [(int(found[1]), entry) for entry in folder.iterdir() if (found := _OWN.fullmatch(entry.name))]
    free = [entry for _, entry in sorted(own) if entry.name.removeprefix(_PREFIX) not in keep and entry.is_dir()]
    for place in free[: max(0, len(free) - most)]:
        shutil.rmtree(place)
