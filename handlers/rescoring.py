"""After a deployment: the files that waited for a first model, and the newest drop, are ranked by the new one."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
from sqlalchemy import Connection

from handlers.commit_group import fact
from handlers.domain.facts import Fact
from handlers.domain.files import FileState
from handlers.domain.release import Release
from handlers.house import House
from handlers.scoring import score
from handlers.storage import dataset, events, files, parts, schemas
from handlers.storage.parts import Part, Prepared


def rescore(house: House, release: Release) -> list[Fact]:
    """Rank what no model has ranked yet, and the newest unlabelled drop if an older model did."""
    with house.ledger.read() as connection:
        stale = parts.unranked(connection)
        newest = parts.newest_ranked(connection)
        latest = max((int(part.owner or 0) for part in stale), default=0)
        if newest is not None and newest.model != release.version and int(newest.owner or 0) > latest:
            stale.append(newest)
        ranked = [_rank(house, connection, part, release) for part in stale]
    facts: list[Fact] = []
    for part in ranked:
        facts += _commit(house, part)
    return facts


def _rank(house: House, connection: Connection, part: Part, release: Release) -> Prepared:
    folder = house.workspace.parts
    table = parts.read(connection, folder, part)
    wanted = {feature.name for feature in release.scorer.features}
    columns = [column for column in schemas.read(connection).columns if column.name in wanted]
    rows = dataset.rows_by_number(connection, folder, columns, table["row"].to_numpy())
    probabilities = pa.array(score(release, rows))
    table = table.set_column(table.column_names.index("probability"), "probability", probabilities)
    after = replace(part, path=f"ranked-{part.owner:08d}-{release.version}", model=release.version)
    return parts.prepare(folder, after, table)


def _commit(house: House, after: Prepared) -> list[Fact]:
    facts: list[Fact] = []
    at = house.now()
    with house.ledger.write() as connection:
        parts.replace_ranked(connection, after)
        record = files.find_seq(connection, int(after.part.owner or 0))
        if record.state is FileState.WAITING:
            files.set_state(connection, record.seq, FileState.SCORED, None)
            facts.append(fact(files.find_seq(connection, record.seq)))
        files.set_unpublished(connection, record.seq)
        events.add(connection, facts, at=at)
    return facts
