"""The data set as a file that other programs read: the original columns, in their order, and nothing beside them."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from handlers.storage import dataset, parts, schemas
from handlers.storage.csv_text import write_csv
from handlers.storage.ledger import Ledger
from handlers.storage.published import without_hidden
from handlers.storage.workspace import Workspace


def export_csv(ledger: Ledger, workspace: Workspace, stream: BinaryIO) -> None:
    """Write the data set as UTF-8 CSV, the rows in the order in which they came."""
    write_csv(_table(ledger, workspace), stream)


def export_parquet(ledger: Ledger, workspace: Workspace, path: Path) -> None:
    """Write the data set as a Parquet file, which appears under its name when it is complete."""
    parts.write(path.parent, path.name, _table(ledger, workspace))


def _table(ledger: Ledger, workspace: Workspace) -> pa.Table:
    with ledger.read() as connection:
        schema = schemas.read(connection)
        return without_hidden(dataset.snapshot(connection, workspace.parts, schema))
