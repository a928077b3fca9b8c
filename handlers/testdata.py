"""The labelled CSVs of ``testdata/``: reported on, never trained on, never evidence for a promotion."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pyarrow as pa

from handlers.domain.batch import LabelledTable
from handlers.domain.facts import Fact, Tell
from handlers.domain.files import Reason, ignored_because, shown_name
from handlers.domain.schema import Schema
from handlers.house import House
from handlers.storage import inbox
from handlers.storage.inbox import Changed, NotTaken
from handlers.validation import validate


def read(house: House, schema: Schema, tell: Tell) -> list[LabelledTable]:
    """The labelled rows of every file that can be read; of each that cannot, ``tell`` is told why."""
    folder = house.workspace.test
    found: list[LabelledTable] = []
    names = sorted(path.name for path in folder.iterdir() if not ignored_because(path.name)) if folder.is_dir() else []
    for name in names:
        read = _rows(house, schema, name)
        if isinstance(read, str):
            tell(Fact("testdata.refused", {"file": shown_name(name), "detail": read}))
        elif len(read.labels):
            found.append(read)
    return found


def _rows(house: House, schema: Schema, name: str) -> LabelledTable | str:
    taken = inbox.take(house.workspace.test, name, max_bytes=house.ingestion.max_file_bytes)
    if isinstance(taken, NotTaken):
        return "It is gone, or still changes." if taken.reason is None else taken.reason.detail
    settings, limits, spill = house.dataset, house.limits, house.workspace.spill
    with taken.content as content:
        try:
            batch = validate(content, name=name, schema=schema, settings=settings, limits=limits, spill=spill)
        except Changed:
            return "It still changes."
    if isinstance(batch, Reason):
        return batch.detail if batch.logged is None else batch.logged
    with closing(batch):
        if batch.kind != "rows":
            return "It has labels and no features."
        tables, labels = [], []
        for chunk in batch.chunks:
            known = chunk.labels >= 0
            tables.append(chunk.table.filter(pa.array(known)))
            labels.append(chunk.labels[known])
    return LabelledTable(pa.concat_tables(tables), np.concatenate(labels))
