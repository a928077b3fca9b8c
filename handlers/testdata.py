"""The labelled CSVs of ``testdata/``: reported on, never trained on, never evidence for a promotion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from handlers.domain.files import Reason, ignored_because
from handlers.domain.schema import Schema
from handlers.house import House
from handlers.storage import inbox
from handlers.validation import validate


@dataclass(frozen=True, slots=True)
class LabelledTable:
    """One file's labelled rows. ``labels``: int8[n], 1 left, 0 stayed."""

    table: pa.Table
    labels: NDArray[np.int8]


def read(house: House, schema: Schema) -> tuple[list[LabelledTable], list[str]]:
    """Every readable file, and a sentence for each that is not."""
    folder = house.workspace.test
    found, problems = list[LabelledTable](), list[str]()
    names = sorted(path.name for path in folder.iterdir() if not ignored_because(path.name)) if folder.is_dir() else []
    for name in names:
        taken = inbox.take(folder, name, max_bytes=house.ingestion.max_file_bytes)
        if isinstance(taken, inbox.NotTaken):
            problems.append(f"{name} could not be read.")
            continue
        batch = validate(taken.content, name=name, schema=schema, settings=house.dataset, limits=house.limits)
        if isinstance(batch, Reason):
            problems.append(f"{name}: {batch.detail}")
            continue
        known = batch.labels >= 0
        if known.any() and batch.kind == "rows":
            found.append(LabelledTable(batch.table.filter(pa.array(known)), batch.labels[known]))
    return found, problems
