"""What the data set has to be, counted again from the files that were dropped: plain Python, nothing of the program.

Rows are compared by their values, so 7, 7.0 and 07 are one number. A row counts once, wherever it came first; a file
of only the ids (with or without a time) and the label labels rows that came before it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.end_to_end.daemon_process import run_command

Row = tuple[str, ...]


def recount(paths: Iterable[Path], *, target: str = "exited", keys: Sequence[str] = ("corporation",)) -> list[Row]:
    """The distinct rows of these files, in the order in which they first came.

    ``keys``: the columns of a row's identity. All files have the same columns, but for those of labels.
    """
    rows: list[Row] = []
    seen: dict[Row, int] = {}
    newest: dict[Row, int] = {}
    for path in paths:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            header = next(reader)
            at = [header.index(name) for name in keys]
            if header[-1] != target:
                raise ValueError(f"{path.name}: the label must be the last column")
            labels_only = set(header) == {*keys, target}
            for cells in reader:
                row = plain(cells)
                key = tuple(row[place] for place in at)
                place = newest[key] if labels_only else seen.setdefault(row, len(rows))
                if labels_only:
                    rows[place] = (*rows[place][:-1], row[-1])
                    seen[rows[place]] = place
                elif place == len(rows):
                    rows.append(row)
                newest[key] = place
    return rows


def exported(config: Path) -> list[Row]:
    """The rows that ``attritiond export`` prints, in their order."""
    done = run_command(config, "export")
    assert done.returncode == 0, done.stderr
    return [plain(cells) for cells in csv.reader(io.StringIO(done.stdout))][1:]


def first_difference(there: Sequence[Row], expected: Sequence[Row]) -> str | None:
    """What is wrong, in a sentence; None where both are the same, row by row."""
    if there == expected:
        return None
    place = next(
        (number for number, (one, other) in enumerate(zip(there, expected, strict=False)) if one != other),
        min(len(there), len(expected)),
    )
    return (
        f"{len(there)} rows are there, {len(expected)} were counted; the first difference is row {place + 1}: "
        f"{there[place : place + 2]} instead of {list(expected[place : place + 2])}"
    )


def plain(cells: Iterable[str]) -> Row:
    """A row as its values."""
    return tuple(_plain(cell) for cell in cells)


def in_order(files: Sequence[Mapping[str, str]], source: Path) -> list[Path]:
    """The paths of files that were committed, oldest first. ``files``: as ``/v1/files`` lists them, newest first."""
    return [source / one["name"] for one in reversed(files) if one["state"] in ("ingested", "scored", "waiting")]


def _plain(value: str) -> str:
    try:
        return f"{float(value):.17g}" if value else ""
    except ValueError:
        return value
