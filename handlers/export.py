"""The data set as a file that other programs read: the original columns, in their order, and nothing beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Literal

import pyarrow as pa

from handlers.storage import dataset, versions
from handlers.storage.corrections import Corrections
from handlers.storage.csv_text import write_csv
from handlers.storage.ledger import Ledger
from handlers.storage.part_format import write_parquet_to
from handlers.storage.published import without_hidden
from handlers.storage.versions import View
from handlers.storage.workspace import Workspace

Form = Literal["csv", "parquet"]


def export(
    ledger: Ledger, workspace: Workspace, stream: BinaryIO, *, form: Form = "csv", version: int | None = None
) -> None:
    """Write the data set as it was at a version (None: now), the rows in the order in which they came.

    UTF-8 CSV or Parquet. Memory does not grow with the data set, and ``stream`` need not be able to seek. Raises
    ``versions.UnknownVersion``: before anything is written, or later, where the schema is reset meanwhile.
    """
    with ledger.read() as connection:
        view = versions.view(connection, version)
    empty = without_hidden(dataset.conform(pa.table({}), view.schema.columns))
    if form == "csv":
        write_csv(_tables(ledger, workspace, view), stream, empty.schema)
    else:
        write_parquet_to(stream, _tables(ledger, workspace, view), empty.schema)


def _tables(ledger: Ledger, workspace: Workspace, view: View) -> Iterator[pa.Table]:
    """The rows piece by piece. Each is read in a transaction of its own: a slow reader of a pipe must not hold one,
    and a version is the same however often the parts have been compacted meanwhile."""
    corrections = Corrections(workspace.parts, view)
    first = 0
    while True:
        with ledger.read() as connection:
            versions.view(connection, view.version)  # is it still there?
            found = dataset.piece(connection, workspace.parts, view, corrections, first)
        if found is None:
            return
        table, first = found
        if table.num_rows:
            yield without_hidden(table)
