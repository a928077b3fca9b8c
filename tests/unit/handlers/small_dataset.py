"""A workspace in a temporary folder, filled without the pipeline: what the reading steps are tested on."""

from __future__ import annotations

import itertools
from pathlib import Path

import pyarrow as pa

from handlers.domain.arrow_types import ARROW_TYPES
from handlers.domain.files import FileRecord, FileStamp, FileState, RowCounts
from handlers.domain.ingestion_settings import IngestionSettings
from handlers.domain.learning_settings import DriftSettings, PromotionSettings, TrainingSettings
from handlers.domain.schema import FILE_COLUMN, LINE_COLUMN, Column, ColumnType, DatasetSettings, Role, Schema
from handlers.house import House, Learning
from handlers.retention import RetentionSettings
from handlers.storage import dataset, files, parts, schemas
from handlers.storage.ledger import Ledger, set_fact
from handlers.storage.parts import Part, PartKind
from handlers.storage.row_index import RowIndex
from handlers.storage.workspace import Workspace

SCHEMA = Schema(
    version=1,
    columns=(
        Column("corporation", ColumnType.TEXT, Role.ID),
        Column("activity", ColumnType.INTEGER, Role.FEATURE),
        Column("spend", ColumnType.NUMBER, Role.FEATURE),
        Column("plan", ColumnType.CATEGORY, Role.FEATURE),
        Column("exited", ColumnType.INTEGER, Role.TARGET),
    ),
)


class SmallDataset:
    """Every addition is a commit of its own. ``staged``: small parts are in the ledger, as in life, not in files."""

    def __init__(self, root: Path, schema: Schema = SCHEMA, *, staged: bool = True) -> None:
        self.staged = staged
        self.workspace = Workspace(
            root=root,
            source=root / "sourcedata",
            dataset=root / "ingesteddata",
            test=root / "testdata",
            models=root / "models",
            production=root / "production_deployment",
        )
        self.workspace.make_folders()
        self.ledger = Ledger(self.workspace.ledger)
        self.schema = schema
        with self.ledger.write() as connection:
            schemas.write(connection, schema)

    def add(self, columns: dict[str, list[object]], *, file: int = 1) -> Part:
        """Add rows with the types of the schema as it is now."""
        count = len(next(iter(columns.values())))
        types = {column.name: ARROW_TYPES[column.type] for column in self.schema.columns}
        arrays = {name: pa.array(values, types[name]) for name, values in columns.items()}
        arrays[FILE_COLUMN] = pa.array([file] * count, pa.int64())
        arrays[LINE_COLUMN] = pa.array(range(2, count + 2), pa.int64())
        return self.add_part(PartKind.ROWS, pa.table(arrays), file=file)

    def add_part(self, kind: PartKind, table: pa.Table, *, file: int) -> Part:
        """Write and record a part, and the file that brought it."""
        with self.ledger.write() as connection:
            version = dataset.version(connection) + 1
            if file >= files.next_seq(connection):
                record = FileRecord(
                    file, f"{file}.csv", None, FileState.INGESTED, None, (), RowCounts(), 0, 1, "", "", 0.1, version
                )
                files.add_all(connection, [(record, FileStamp(1, file, 3, 4, 5), True)])
            first = dataset.total_rows(connection) if kind is PartKind.ROWS else 0
            part = Part(f"{kind}-{version:08d}", kind, table.num_rows, 0, version, first_row=first)
            prepare = parts.prepare if self.staged else parts.prepare_file
            number = parts.record(connection, prepare(self.workspace.parts, part, table))
            set_fact(connection, "dataset_version", version)
        with self.ledger.read() as connection:
            return next(part for part in parts.listed(connection, kind) if part.id == number)

    def label(self, rows: list[int], values: list[object], *, file: int = 9, first: bool = True) -> Part:
        """Add later labels."""
        count = len(rows)
        target = self.schema.with_role(Role.TARGET)
        assert target is not None
        table = pa.table(
            {
                dataset.LABEL_ROW: pa.array(rows, pa.int64()),
                dataset.LABEL_VALUE: pa.array(values, ARROW_TYPES[target.type]),
                dataset.LABEL_PERIOD: pa.nulls(count, pa.string()),
                dataset.LABEL_FILE: pa.array([file] * count, pa.int64()),
                dataset.LABEL_FIRST: pa.array([first] * count),
            }
        )
        return self.add_part(PartKind.LABELS, table, file=file)

    def supersede(self, rows: list[int], *, file: int = 9) -> Part:
        """Say that later rows have replaced these."""
        columns = {dataset.LABEL_ROW: pa.array(rows, pa.int64()), dataset.LABEL_FILE: [file] * len(rows)}
        return self.add_part(PartKind.SUPERSEDED, pa.table(columns), file=file)

    def house(self, ledger: Ledger | None = None) -> House:
        """What the steps of the pipeline work with; the clock counts how often it is asked."""
        ticks = itertools.count()
        return House(
            workspace=self.workspace,
            ledger=ledger or self.ledger,
            dataset=DatasetSettings(),
            ingestion=IngestionSettings(),
            learning=Learning(DriftSettings(), TrainingSettings(), PromotionSettings(), RetentionSettings()),
            now=lambda: "2026-01-01T00:00:00.000Z",
            timer=lambda: float(next(ticks)),
            index=RowIndex(self.workspace.index),
        )

    def learn(self, schema: Schema) -> None:
        """Change the schema."""
        self.schema = schema
        with self.ledger.write() as connection:
            schemas.write(connection, schema)

    def snapshot(self, columns: list[str] | None = None) -> pa.Table:
        """Read the data set."""
        with self.ledger.read() as connection:
            return dataset.snapshot(connection, self.workspace.parts, self.schema, columns)
