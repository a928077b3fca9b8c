"""A path in a request: a CSV inside the configured folders, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from handlers.storage.inbox import NotTaken, take
from handlers.storage.workspace import Workspace
from server.problems import Fault, Kind, Problem

_LOCATION = "dataset_path"


def read_dataset(workspace: Workspace, given: str, *, max_bytes: int) -> bytes:
    """The bytes of the CSV that a request names, relative to the configuration's folder. Raises Problem.

    The folder is resolved first and must lie inside a configured one; the file itself is never a link.
    """
    path = Path(given)
    if "\0" in given or ".." in path.parts or not path.name.lower().endswith((".csv", ".csv.gz")):
        raise _outside()
    try:
        folder = Path(os.path.realpath(workspace.root / path.parent))
        inside = any(folder.is_relative_to(os.path.realpath(allowed)) for allowed in _allowed(workspace))
    except (OSError, ValueError) as error:
        raise _outside() from error
    if not inside or os.path.isdir(folder / path.name):  # noqa: PTH112 - Path.is_dir raises for names that are too long
        raise _outside()
    taken = take(folder, path.name, max_bytes=max_bytes)
    if not isinstance(taken, NotTaken):
        with taken.content as content:
            return content.whole()
    if taken.reason is None:
        raise Problem(Kind.NOT_FOUND, "There is no such file.", [Fault(_LOCATION, "There is no such file.")])
    kind = Kind.TOO_LARGE if taken.reason.code == "too_large" else Kind.WRONG_BODY
    raise Problem(kind, taken.reason.detail, [Fault(_LOCATION, taken.reason.detail)])


def _allowed(workspace: Workspace) -> tuple[Path, ...]:
    return (
        workspace.source,
        workspace.dataset,
        workspace.test,
        workspace.models,
        workspace.production,
        workspace.predictions,
    )


def _outside() -> Problem:
    detail = "The path must name a CSV inside the configured folders, without '..', relative to the configuration file."
    return Problem(Kind.WRONG_BODY, detail, [Fault(_LOCATION, detail)])
