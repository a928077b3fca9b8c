"""The labelled CSVs of ``testdata/``: reported on, never trained on, never evidence for a promotion."""

from __future__ import annotations

import pyarrow as pa

from handlers.domain.batch import LabelledTable
from handlers.domain.facts import Fact, Tell
from handlers.domain.files import Reason, ignored_because, shown_name
from handlers.domain.schema import Schema
from handlers.house import House
from handlers.storage import inbox
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
    if isinstance(taken, inbox.NotTaken):
        return "It is gone." if taken.reason is None else taken.reason.detail
    batch = validate(taken.content, name=name, schema=schema, settings=house.dataset, limits=house.limits)
    if isinstance(batch, Reason):
        return batch.detail
    if batch.kind != "rows":
        return "It has labels and no features."
    known = batch.labels >= 0
    return LabelledTable(batch.table.filter(pa.array(known)), batch.labels[known])
