"""``reports/``: one folder for each release, written in one step, and ``latest``, a link to the newest."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from handlers.storage.atomic import fsync_folder

LATEST = "latest"


def write(reports: Path, version: int, render: Callable[[Path], None]) -> Path:
    """Have ``render`` fill the folder of a release, and put it in its place when all of it is synced. Raises OSError.

    A report that is there already stays as it is. ``latest`` leads to the newest version afterwards.
    """
    folder = reports / str(version)
    reports.mkdir(parents=True, exist_ok=True)
    if not folder.is_dir():
        _prepare(reports, folder, render)
    _link(reports, version)
    return folder


def sweep(reports: Path) -> None:
    """Remove what a killed process left of a report that it was writing."""
    for left_over in reports.glob(".*") if reports.is_dir() else ():
        if left_over.is_dir() and not left_over.is_symlink():
            shutil.rmtree(left_over)
        else:
            left_over.unlink()


def _prepare(reports: Path, folder: Path, render: Callable[[Path], None]) -> None:
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=reports))
    try:
        render(temporary)
        temporary.chmod(0o755)
        for path in temporary.iterdir():
            _fsync(path)
        fsync_folder(temporary)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    fsync_folder(reports)


def _link(reports: Path, version: int) -> None:
    """Point ``latest`` to this version unless it points to a newer one that is there."""
    link = reports / LATEST
    if link.is_symlink():
        target = str(link.readlink())
        if target.isdigit() and int(target) >= version and (reports / target).is_dir():
            return
    temporary = reports / f".{LATEST}.link"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(str(version))
    temporary.replace(link)
    fsync_folder(reports)


def _fsync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
