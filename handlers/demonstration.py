"""The demonstration's drops: the files that a fictional company would put into the source folder each month."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Mapping
from io import StringIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from handlers.domain.demonstration import FIRST_YEAR, ClientMonth, client_month
from handlers.storage.atomic import write_atomically

#: A fresh checkout holds months 1 to 4 with their outcomes, and month 5 without.
LABELLED_AT_FIRST = 4
_CLIENTS = re.compile(r"(\d{4})-(0[1-9]|1[0-2])-clients\.csv")


def write_next_drop(source: Path, known: Collection[str] = ()) -> list[Path]:
    """Write the files of the month after the last one there, and answer their paths in the order of reading.

    That is ``YYYY-MM-outcomes.csv``, which says who left in the last month, and ``YYYY-MM-clients.csv``, the clients
    of the next month, unlabelled. Where nothing is there yet: the first months with their outcomes, and one without.
    What is there is read from the names in ``source`` and from ``known`` (names of files that have left it); a name
    that is there is not written again. The same months have the same bytes, always. Raises OSError.
    """
    source.mkdir(parents=True, exist_ok=True)
    present = {path.name for path in source.iterdir()} | set(known)
    latest = max((_month_number(name) for name in present), default=0)
    drops = _later_drops(latest) if latest > 0 else _first_drops()
    written = []
    for name, content in drops.items():
        if name not in present:
            write_atomically(source / name, content)
            written.append(source / name)
    return written


def _month_number(name: str) -> int:
    """The month of a clients file, 0 for any other name."""
    match = _CLIENTS.fullmatch(name)
    if match is None:
        return 0
    return (int(match[1]) - FIRST_YEAR) * 12 + int(match[2])


def _first_drops() -> dict[str, bytes]:
    labelled = [client_month(number) for number in range(1, LABELLED_AT_FIRST + 1)]
    unlabelled = client_month(LABELLED_AT_FIRST + 1)
    drops = {f"{month.month}-clients.csv": _csv({**month.columns, "exited": month.exited}) for month in labelled}
    return drops | {f"{unlabelled.month}-clients.csv": _csv(unlabelled.columns)}


def _later_drops(latest: int) -> dict[str, bytes]:
    past, coming = client_month(latest), client_month(latest + 1)
    return {
        f"{past.month}-outcomes.csv": _outcomes(past),
        f"{coming.month}-clients.csv": _csv(coming.columns),
    }


def _outcomes(month: ClientMonth) -> bytes:
    whose = {name: month.columns[name] for name in ("corporation", "month")}
    return _csv({**whose, "exited": month.exited})


def _csv(columns: Mapping[str, npt.NDArray[np.generic]]) -> bytes:
    """One line for each client; a missing number is an empty field. All numbers of the demonstration are whole."""
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*map(_fields, columns.values()), strict=True))
    return text.getvalue().encode()


def _fields(values: npt.NDArray[np.generic]) -> list[str]:
    if values.dtype == object:
        return [str(value) for value in values]
    return ["" if np.isnan(value) else f"{value:.0f}" for value in values.tolist()]
