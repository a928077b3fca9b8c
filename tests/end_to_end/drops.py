"""Workspaces and CSV files for tests: generated from a seed, dropped as people and programs drop them."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HEADER = ("corporation", "lastmonth_activity", "lastyear_activity", "number_of_employees", "exited")
FIVE_KEYS = {
    "input_folder_path": "sourcedata",
    "output_folder_path": "ingesteddata",
    "test_data_path": "testdata",
    "output_model_path": "models",
    "prod_deployment_path": "production_deployment",
}

Row = tuple[str, ...]


def workspace(folder: Path, **sections: Any) -> Path:
    """Make a workspace with its source folder; returns the path of its config.json.

    Libraries are as if they had been checked just now, else a daemon asks an index for newer ones after a minute.
    """
    (folder / "sourcedata").mkdir(parents=True)
    (folder / "ingesteddata").mkdir()
    (folder / "ingesteddata" / "dependencies.json").write_text(json.dumps({"tried_at": datetime.now(UTC).isoformat()}))
    config = folder / "config.json"
    config.write_text(json.dumps({**FIVE_KEYS, **sections}))
    return config


def csv_text(rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER) -> str:
    """The text of a CSV file."""
    return "".join(",".join(row) + "\n" for row in (header, *rows))


def chance(seed: int) -> random.Random:
    """Choices that are the same in each run."""
    return random.Random(seed)  # noqa: S311 - repeatable, and no secret


@dataclass(slots=True)
class Clients:
    """Fictional clients who leave more likely when their activity has fallen. Every call gives new ones."""

    chance: random.Random
    months: Sequence[str] = ()
    """Where there are any, a row's second column is one of them."""
    made: int = 0

    @property
    def header(self) -> tuple[str, ...]:
        return (HEADER[0], "month", *HEADER[1:]) if self.months else HEADER

    def rows(self, count: int) -> list[Row]:
        """Labelled rows, no two alike."""
        return [self._row() for _ in range(count)]

    def unlabelled(self, count: int) -> list[Row]:
        return [(*row[:-1], "") for row in self.rows(count)]

    def _row(self) -> Row:
        self.made += 1
        year = self.chance.randrange(100, 3000)
        month = int(year / 12 * self.chance.uniform(0.2, 1.8))
        left = self.chance.random() < (0.6 if month < year / 15 else 0.1)
        values = (str(month), str(year), str(self.chance.randrange(1, 500)), str(int(left)))
        period = (self.chance.choice(self.months),) if self.months else ()
        return (f"client-{self.made:07d}", *period, *values)


def drop(source: Path, name: str, text: str) -> Path:
    """Put a file into the folder by a rename: it is complete at once."""
    beside = source.parent / f".{name}.beside"
    beside.write_bytes(text.encode("utf-8", "surrogateescape"))
    return beside.rename(source / name)


def drop_all(source: Path, texts: Mapping[str, str]) -> float:
    """Put many files into the folder by renames, at once; returns the time (monotonic) before the first."""
    beside = source.parent / "beside"
    beside.mkdir(exist_ok=True)
    for name, text in texts.items():
        (beside / name).write_text(text)
    began = time.monotonic()
    for name in texts:
        (beside / name).rename(source / name)
    return began


def drop_slowly(source: Path, name: str, text: str, *, pieces: int = 4, pause: float = 0.05) -> Path:
    """Write a file in the folder itself, piece by piece, as an editor or a copy does."""
    size = len(text) // pieces + 1
    with (source / name).open("w") as file:
        for begin in range(0, len(text), size):
            file.write(text[begin : begin + size])
            file.flush()
            time.sleep(pause)
    return source / name
