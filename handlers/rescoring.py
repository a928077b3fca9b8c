"""After a deployment: the files that waited for a first model, and the newest drop, are ranked by the new one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from handlers.commit_group import fact
from handlers.domain.facts import Fact
from handlers.domain.files import FileState
from handlers.domain.release import Release
from handlers.house import House
from handlers.scoring import score
from handlers.storage import dataset, events, files, parts, schemas
from handlers.storage.parts import Part, PartKind


def rescore(house: House, release: Release) -> list[Fact]:
    """Rank what no model has ranked yet, and the newest unlabelled drop if an older model did."""
    with house.ledger.read() as connection:
        stale = parts.unranked(connection)
        newest = parts.newest_ranked(connection)
        if newest is not None and newest.model != release.version and not stale:
            stale.append(newest)
        ranked = [_rank(house, connection, part, release) for part in stale]
    facts: list[Fact] = []
    for part in ranked:
        facts += _commit(house, part)
    return facts


def _rank(house: House, connection: Connection, part: Part, release: Release) -> Part:
    folder = house.workspace.parts
    table = parts.read(folder, part)
    wanted = [feature.name for feature in release.scorecard.features]
    rows = dataset.snapshot(connection, folder, schemas.read(connection), wanted)
    places = np.searchsorted(rows[dataset.ROW_COLUMN].to_numpy(), table["row"].to_numpy())
    places = np.minimum(places, rows.num_rows - 1)  # a row that a later one has replaced: its successor's place
    probabilities = pa.array(score(release, rows.take(pa.array(places))))
    table = table.set_column(table.column_names.index("probability"), "probability", probabilities)
    path = f"ranked-{part.owner:08d}-{release.version}.parquet"
    return Part(
        path,
        PartKind.RANKED,
        table.num_rows,
        parts.write(folder, path, table),
        part.dataset_version,
        owner=part.owner,
        model=release.version,
    )


def _commit(house: House, after: Part) -> list[Fact]:
    facts: list[Fact] = []
    at = house.now()
    with house.ledger.write() as connection:
        parts.record(connection, after)
        record = files.find_seq(connection, int(after.owner or 0))
        if record.state is FileState.WAITING:
            files.set_state(connection, record.seq, FileState.SCORED, None)
            facts.append(fact(files.find_seq(connection, record.seq)))
        files.set_unpublished(connection, record.seq)
        events.add(connection, facts, at=at)
    return facts
