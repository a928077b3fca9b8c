"""What is written for people beside the data set: finaldata.csv, predictions, rejected rows and quarantined files.

All of it can be made again from the ledger and is replaced in one step, so that writing it twice does no harm.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from handlers.domain.files import Reason, RowFault, shown_name
from handlers.domain.schema import FILE_COLUMN, LINE_COLUMN
from handlers.storage.atomic import write_atomically, write_blocks_atomically
from handlers.storage.inbox import Content
from handlers.storage.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

FINALDATA = "finaldata.csv"
INGESTED_FILES = "ingestedfiles.txt"
PROBABILITY = "probability"

LONGEST_NAME = 240
"""Bytes of a name that is written here: file systems allow 255, and a temporary sibling's name is longer."""

REASON = ".reason.json"
"""What follows a quarantined file's name in the name of its reason."""

_SUFFIXES = (".csv.gz", ".csv")
_ROWS_AT_ONCE = 10_000


def without_hidden(table: pa.Table) -> pa.Table:
    """Leave out what a stored row carries beside its own columns."""
    from handlers.storage.dataset import ROW_COLUMN

    hidden = {FILE_COLUMN, LINE_COLUMN, ROW_COLUMN}
    return table.select([name for name in table.column_names if name not in hidden])


def write_finaldata(workspace: Workspace, table: pa.Table, names: Iterable[str]) -> None:
    """Write the data set, a table as ``dataset.snapshot`` gives it, and the names of the files it came from."""
    from handlers.storage.csv_text import to_csv

    write_atomically(workspace.dataset / FINALDATA, to_csv(without_hidden(table)))
    write_atomically(workspace.dataset / INGESTED_FILES, name_lines(names))


def remove_finaldata(workspace: Workspace) -> None:
    """Remove both files: an old copy of the data set would be taken for the new one."""
    for name in (FINALDATA, INGESTED_FILES):
        (workspace.dataset / name).unlink(missing_ok=True)


def name_lines(names: Iterable[str]) -> bytes:
    """One file name a line; bytes that are not UTF-8, and control characters, as backslash escapes."""
    return "".join(f"{_one_line(name)}\n" for name in names).encode()


def write_predictions(workspace: Workspace, name: str, tables: Iterable[pa.Table]) -> Path:
    """Answer a file of unlabelled rows: tables of one schema as CSV, ``probability`` with six significant digits.

    Raises ValueError for a name that is not a single path component.
    """
    from handlers.storage.csv_text import csv_blocks

    path = workspace.predictions / predictions_name(name)
    workspace.predictions.mkdir(parents=True, exist_ok=True)
    write_blocks_atomically(path, csv_blocks(map(_rounded, tables)))
    return path


def _rounded(table: pa.Table) -> pa.Table:
    place = table.column_names.index(PROBABILITY)
    return table.set_column(place, PROBABILITY, _six_digits(table[PROBABILITY]))


def predictions_name(name: str) -> str:
    """``NAME.csv`` for both ``NAME.csv`` and ``NAME.csv.gz``. Raises ValueError as ``write_predictions`` does."""
    return _fitting(_stem(name), ".csv")


def write_rejected(workspace: Workspace, sha256: str, name: str, faults: Iterable[RowFault]) -> Path:
    """Write the rows that were set aside from an accepted file: line, column, code and value of each fault."""
    path = workspace.rejected / _fitting(f"{sha256}-{_stem(name)}", ".csv")
    workspace.rejected.mkdir(parents=True, exist_ok=True)
    header: tuple[object, ...] = ("line", "column", "code", "value")
    rows = ((fault.line, fault.column, fault.code, fault.value) for fault in faults)
    write_blocks_atomically(path, _csv_blocks(chain((header,), rows)))
    return path


def _csv_blocks(rows: Iterable[tuple[object, ...]]) -> Iterator[bytes]:
    rest = iter(rows)
    while block := list(islice(rest, _ROWS_AT_ONCE)):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(block)
        yield text.getvalue().encode("utf-8", "backslashreplace")


def write_quarantined(workspace: Workspace, sha256: str, *, name: str, source: Content, reason: Reason) -> Path:
    """Keep a copy of a refused file, and the reason beside it; returns the copy's path.

    What stands under the same SHA-256 and name already is the same content, and is not written again. Raises
    ``inbox.Changed``, and writes nothing, where the file is not what was hashed any more.
    """
    path = workspace.quarantine / _fitting(f"{sha256}-{_component(name)}", "")
    workspace.quarantine.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        source.copy_to(path)
    document = {
        "name": shown_name(name),
        "sha256": sha256,
        "code": reason.code,
        "sentence": reason.detail,
        "lines": list(reason.lines),
        "what_to_do": reason.hint,
    }
    content = msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
    write_atomically(path.with_name(f"{path.name}{REASON}"), content)
    return path


def quarantined_copy(workspace: Workspace, sha256: str, shown: str) -> Path | None:
    """The copy of a refused file by its SHA-256 and the name in its record, or None where it is no longer there."""
    if "\\" not in shown:
        path = workspace.quarantine / _fitting(f"{sha256}-{_component(shown)}", "")
        return path if path.is_file() else None
    # Only a name with a backslash may be another one on disk; the reason beside the copy has it as the record does.
    for reason in sorted(workspace.quarantine.glob(f"{sha256}-*{REASON}")):
        path = reason.with_name(reason.name.removesuffix(REASON))
        if path.is_file() and msgspec.json.decode(reason.read_bytes())["name"] == shown:
            return path
    return None


def remove_quarantined(workspace: Workspace, sha256: str, shown: str) -> None:
    """Remove the copy of a file that is refused no longer, and its reason."""
    path = quarantined_copy(workspace, sha256, shown)
    if path is not None:
        path.with_name(f"{path.name}{REASON}").unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def free_name(folder: Path, name: str, sha256: str) -> Path:
    """Where a file may be moved to without replacing another one: its name, else its name after its SHA-256."""
    place = folder / name
    return folder / _fitting(f"{sha256}-{_component(name)}", "") if os.path.lexists(place) else place


def _six_digits(column: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    values = np.asarray(column.to_numpy(), dtype=np.float64)
    return pa.array([None if np.isnan(value) else float(f"{value:.6g}") for value in values.tolist()], pa.float64())


def _one_line(name: str) -> str:
    shown = shown_name(name)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in shown)


def _stem(name: str) -> str:
    lower = _component(name).lower()
    suffix = next((suffix for suffix in _SUFFIXES if lower.endswith(suffix)), "")
    return name[: len(name) - len(suffix)]


def _component(name: str) -> str:
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise ValueError(f"{name!r} is not the name of a file in a folder")
    return name


def _fitting(stem: str, suffix: str) -> str:
    """The name, or where it is too long its beginning and a hash of the whole: two long names stay two names."""
    longest = LONGEST_NAME - len(REASON)
    name = stem + suffix
    if len(os.fsencode(name)) <= longest:
        return name
    mark = f"~{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}{suffix}"
    while len(os.fsencode(stem)) > longest - len(mark):
        stem = stem[:-1]
    return stem + mark
