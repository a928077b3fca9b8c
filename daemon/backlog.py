"""The scan: what lies in the folder. Events are hints, this is the truth."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from handlers.domain.files import FileStamp, Reason, ignored_because
from handlers.domain.ordering import natural_key


class Kind(StrEnum):
    """What a name in the folder stands for. Only a regular file is ever read."""

    FILE = "file"
    LINK = "link"
    FOLDER = "folder"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Found:
    """A name in the folder (bytes that are not UTF-8 as surrogate escapes), its stamp, and what it stands for."""

    name: str
    stamp: FileStamp
    kind: Kind


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why the folder cannot be read, as a sentence."""

    detail: str


_NOT_A_FILE = {
    Kind.LINK: Reason("link", "It is a symbolic link, and links are not followed.", "Drop the file itself."),
    Kind.FOLDER: Reason("folder", "It is a folder, and sub-folders are not read.", "Drop the files themselves."),
    Kind.OTHER: Reason("special", "It is not a regular file.", "Drop a regular file."),
}


def not_an_input(name: str, kind: Kind) -> Reason | None:
    """Why what lies there is not an input, or None for a regular file with an input's name."""
    return _NOT_A_FILE.get(kind) or ignored_because(name)


def scan(folder: Path) -> tuple[Found, ...] | Unavailable:
    """What lies in the folder itself, in natural name order; links are not followed, sub-folders not entered."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    found.append(_found(entry.name, entry.stat(follow_symlinks=False)))
                except FileNotFoundError:
                    continue  # gone since the folder was listed
    except OSError as error:
        return Unavailable(why_unavailable(folder, error))
    return tuple(sorted(found, key=lambda each: natural_key(each.name)))


def look(folder: Path, names: Sequence[str]) -> dict[str, Found | None]:
    """What stands under each of these names now; None: nothing, or nothing that can be seen."""
    seen: dict[str, Found | None] = {}
    for name in names:
        try:
            seen[name] = _found(name, os.lstat(os.path.join(folder, name)))  # noqa: PTH118 - Path costs ten times that
        except OSError:
            seen[name] = None
    return seen


def why_unavailable(folder: Path, error: OSError) -> str:
    """The sentence for a folder that cannot be read or watched: what is wrong and what to do."""
    match error:
        case FileNotFoundError():
            return f"The source folder {folder} does not exist; make it, or correct input_folder_path."
        case NotADirectoryError():
            return f"The source folder {folder} is not a folder; correct input_folder_path."
        case PermissionError():
            return f"The source folder {folder} may not be read; give this user read and search permission on it."
    return f"The source folder {folder} cannot be read: {error.strerror or error}."


def _found(name: str, status: os.stat_result) -> Found:
    if stat.S_ISREG(status.st_mode):
        kind = Kind.FILE
    elif stat.S_ISLNK(status.st_mode):
        kind = Kind.LINK
    elif stat.S_ISDIR(status.st_mode):
        kind = Kind.FOLDER
    else:
        kind = Kind.OTHER
    return Found(name, FileStamp.of(status), kind)
