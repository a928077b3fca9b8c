"""A real workspace without the daemon: files are dropped, ingested and decided by the pipeline itself."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from handlers import activation, pipeline, publication, recovery, rescoring
from handlers.domain.facts import Fact
from handlers.domain.files import FileRecord
from handlers.domain.ingestion_settings import IngestionSettings
from handlers.domain.learning_settings import DriftSettings, PromotionSettings, TrainingSettings
from handlers.domain.release import Release
from handlers.domain.schema import DatasetSettings, Schema
from handlers.house import House, Learning
from handlers.receiving import Arrival
from handlers.retention import RetentionSettings
from handlers.storage import dataset, decisions, files, models, parts, published, releases, schemas, signing
from handlers.storage.decisions import DecisionRecord
from handlers.storage.ledger import Ledger, get_fact, set_fact
from handlers.storage.parts import PartKind
from handlers.storage.row_index import RowIndex
from handlers.storage.workspace import Workspace

HEADER = ("corporation", "activity", "employees", "exited")
ROW_HASH_KEY = 7

Cells = Sequence[object]


def csv_text(rows: Iterable[Cells], header: Sequence[str] = HEADER) -> str:
    """Give the text of a CSV file; None is a blank cell."""
    lines = [header, *(["" if cell is None else cell for cell in row] for row in rows)]
    return "".join(",".join(str(cell) for cell in line) + "\n" for line in lines)


def clients(count: int, *, seed: int = 1, prefix: str = "c", labelled: bool = True) -> list[tuple[object, ...]]:
    """Give rows of clients of whom the less active leave more often; at least two of each kind in ten."""
    chance = random.Random(seed)  # noqa: S311 - data for tests
    rows: list[tuple[object, ...]] = []
    for number in range(count):
        leaves = number % 10 in (0, 1) or (number % 10 > 3 and chance.random() < 0.1)
        activity = chance.randrange(60) if leaves else chance.randrange(30, 100)
        label = int(leaves) if labelled else None
        rows.append((f"{prefix}{number}", activity, chance.randrange(1, 500), label))
    return rows


class Workshop:
    """One workspace, as the workers see it. Time stands still but for a counter, so that runs can be compared."""

    def __init__(self, root: Path, *, ledger: Callable[[Path], Ledger] = Ledger, **settings: Any) -> None:
        """``settings``: the keys of ``dataset``, ``ingestion``, ``training`` and so on, each a dictionary."""
        self.workspace = Workspace(
            root=root,
            source=root / "sourcedata",
            dataset=root / "ingesteddata",
            test=root / "testdata",
            models=root / "models",
            production=root / "production_deployment",
        )
        self.workspace.make_folders()
        signing.make_keys(self.workspace.keys)
        self.settings = settings
        self.told: list[Fact] = []
        ticks = itertools.count()
        self.house = House(
            workspace=self.workspace,
            ledger=ledger(self.workspace.ledger),
            dataset=DatasetSettings(**settings.get("dataset", {})),
            ingestion=IngestionSettings(**settings.get("ingestion", {})),
            learning=Learning(
                DriftSettings(**settings.get("drift", {})),
                TrainingSettings(**{"folds": 2, "estimators": ("logistic",), **settings.get("training", {})}),
                PromotionSettings(**settings.get("promotion", {})),
                RetentionSettings(**settings.get("retention", {})),
            ),
            now=lambda: f"2026-01-01T00:00:00.{next(ticks) % 1000:03d}Z",
            timer=lambda: float(next(ticks)),
            index=RowIndex(self.workspace.index),
        )
        with self.house.ledger.write() as connection:
            set_fact(connection, "row_hash_key", ROW_HASH_KEY)

    def drop(self, name: str, rows: Iterable[Cells], header: Sequence[str] = HEADER) -> str:
        """Put a file into the source folder, replacing one of that name by a new one."""
        beside = self.workspace.root / "beside"
        beside.write_text(csv_text(rows, header))
        beside.replace(self.workspace.source / name)
        return name

    def ingest(self, *names: str) -> list[FileRecord]:
        """Take these files as one group; returns their newest records."""
        arrivals = [Arrival(name, "2026-01-01T00:00:00.000Z") for name in names]
        pipeline.ingest(self.house, arrivals, self.champion(), self.told.append)
        publication.keep_finaldata(self.house)
        return [self.file(name) for name in names]

    def take(self, name: str, rows: Iterable[Cells], header: Sequence[str] = HEADER) -> FileRecord:
        """Drop a file and take it alone."""
        return self.ingest(self.drop(name, rows, header))[0]

    def decide(self) -> Release | None:
        """Decide one block; after a deployment, rank what waits for it."""
        release = pipeline.decide(self.house, self.champion(), self.told.append)
        if release is not None:
            self.told += rescoring.rescore(self.house, release)
            publication.publish(self.house, release)
        return release

    def settle(self) -> list[str]:
        """Decide until there is nothing to decide; returns the verdicts of the new decisions, in order."""
        before = len(self.decisions())
        for _ in range(50):
            with self.house.ledger.read() as connection:
                waits = pipeline.decision_blocks.wanted(connection) is not None
            if not waits:
                break
            self.decide()
        return [str(one.verdict) for one in self.decisions()[before:]]

    def recover(self) -> None:
        """Do what the daemon does at its start."""
        self.told += recovery.recover(self.house, self.champion())

    def deploy(self, version: int) -> Release:
        """Deploy by hand, as ``attritiond deploy`` and ``rollback`` do."""
        release, told = activation.activate(self.house, version)
        self.told.append(told)
        self.told += rescoring.rescore(self.house, release)
        publication.publish(self.house, release)
        return release

    def champion(self) -> Release | None:
        return activation.current(self.house)

    def file(self, name: str) -> FileRecord:
        """The newest record under a name."""
        with self.house.ledger.read() as connection:
            found = files.newest_under(connection, name)
        assert found is not None, f"no record of {name}"
        return found[0]

    def files(self) -> list[FileRecord]:
        """Every record, in their order."""
        with self.house.ledger.read() as connection:
            return files.page(connection, limit=10_000, before=None)[::-1]

    def decisions(self) -> list[DecisionRecord]:
        """Every decision, in their order."""
        with self.house.ledger.read() as connection:
            return decisions.page(connection, limit=10_000)[::-1]

    def fact(self, name: str) -> Any:
        """A single value of the ledger."""
        with self.house.ledger.read() as connection:
            return get_fact(connection, name)

    def models(self) -> dict[int, str]:
        """The state of each release."""
        with self.house.ledger.read() as connection:
            return {one.version: one.state for one in models.page(connection, limit=1000)}

    def schema(self) -> Schema:
        with self.house.ledger.read() as connection:
            return schemas.read(connection)

    def rows(self) -> list[tuple[object, ...]]:
        """The data set as people see it, in its order."""
        with self.house.ledger.read() as connection:
            table = dataset.snapshot(connection, self.workspace.parts, schemas.read(connection))
        return [tuple(row.values()) for row in published.without_hidden(table).to_pylist()]

    def labels(self) -> dict[object, object]:
        """The label of each client; for data sets in which each has one row."""
        return {row[0]: row[-1] for row in self.rows()}

    def ranked(self, name: str) -> dict[str, float | None]:
        """What the newest model that looked at a file said of each of its clients."""
        with self.house.ledger.read() as connection:
            part = parts.newest_ranked(connection, self.file(name).seq)
            assert part is not None, f"{name} was not ranked"
            table = parts.read(connection, self.workspace.parts, part)
        return dict(zip(table["id"].to_pylist(), table["probability"].to_pylist(), strict=True))

    def decided_rows(self) -> Counter[int]:
        """How many decisions each row of the data set was a member of."""
        with self.house.ledger.read() as connection:
            schema = schemas.read(connection)
            found: Counter[int] = Counter()
            for one in decisions.page(connection, limit=10_000):
                members = decisions.members(connection, one.id)
                rows = dataset.rows_of_members(connection, self.workspace.parts, schema, members)
                found.update(rows.numbers.tolist())
        return found

    def scores(self) -> dict[int, list[tuple[int, int]]]:
        """By decision: the rows that were scored before they were learned from, with the labels they had."""
        with self.house.ledger.read() as connection:
            listed = parts.listed(connection, PartKind.SCORES)
            read = parts.read_all(connection, self.workspace.parts, listed)
            tables = {part.owner or 0: table for part, table in read}
        return {
            owner: list(zip(table["row"].to_pylist(), table["label"].to_pylist(), strict=True))
            for owner, table in tables.items()
        }

    def scorecards(self) -> dict[int, bytes]:
        """The bytes of each release's scorecard."""
        return {
            version: releases.read_files(self.workspace.releases, version, self.workspace.keys)["scorecard.json"]
            for version in sorted(self.models())
            if (self.workspace.releases / str(version)).is_dir()
        }

    def manifest(self, version: int) -> dict[str, Any]:
        """What a release says of itself."""
        document: dict[str, Any] = msgspec.json.decode(
            (self.workspace.releases / f"{version}/manifest.json").read_bytes()
        )
        return document


def probabilities(release: Release, rows: Sequence[Cells]) -> list[float]:
    """What a release says of clients with the columns of ``HEADER``."""
    columns = {
        name: np.array([float(str(row[place])) for row in rows])
        for place, name in enumerate(HEADER)
        if name in ("activity", "employees")
    }
    said: list[float] = release.scorer.probabilities(columns).tolist()
    return said
