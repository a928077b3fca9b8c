"""The labelled CSVs of ``testdata/``: reported on, never trained on, never evidence for a promotion."""

from __future__ import annotations

import pyarrow as pa

from handlers.domain.batch import LabelledTable
from handlers.domain.files import Reason, ignored_because
from handlers.domain.schema import Schema
from handlers.house import House
from handlers.storage import inbox
from handlers.validation import validate


def read(house: House, schema: Schema) -> list[LabelledTable]:
    """The labelled rows of every file that can be read; a file that cannot be is left out."""
    folder = house.workspace.test
    found: list[LabelledTable] = []
    names = sorted(path.name for path in folder.iterdir() if not ignored_because(path.name)) if folder.is_dir() else []
    for name in names:
        taken = inbox.take(folder, name, max_bytes=house.ingestion.max_file_bytes)
        if isinstance(taken, inbox.NotTaken):
            continue
        batch = validate(taken.content, name=name, schema=schema, settings=house.dataset, limits=house.limits)
        if isinstance(batch, Reason) or batch.kind != "rows":
            continue
        known = batch.labels >= 0
        if known.any():
            found.append(LabelledTable(batch.table.filter(pa.array(known)), batch.labels[known]))
    return found
