"""In idle time: many small parts that lie in the ledger become a Parquet file, many runs of row hashes become one.

What a reader sees stays the same, also one that is reading meanwhile: files are only added, and the ledger names the
new one and forgets what is in it in one transaction. Killed at any moment, the old parts are there or the new one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise, takewhile

import pyarrow as pa
from sqlalchemy import Connection

from handlers.domain.facts import Fact
from handlers.house import House
from handlers.storage import decisions, parts, staging
from handlers.storage.parts import Part, PartKind
from handlers.storage.staging import Staged

KINDS = (PartKind.ROWS, PartKind.LABELS, PartKind.SUPERSEDED)
"""What the ledger gives up. What models said of rows stays there: it is small, and the newest is asked for most."""

ENOUGH_PARTS, ENOUGH_ROWS, ENOUGH_BYTES = 500, 131_072, 32 * 1024 * 1024
"""So much of one kind is staged before it is worth a file: a snapshot of less is read nearly as fast as from one."""

PARTS_AT_ONCE, ROWS_AT_ONCE, BYTES_AT_ONCE = 2_000, 131_072, 16 * 1024 * 1024
"""One step takes no more, so that a file which comes meanwhile waits for about 0.1 s, and memory has a bound."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a step has done, and whether there may be more to do."""

    facts: list[Fact]
    more: bool


def compact(house: House) -> Compacted:
    """Do one step, if there is enough to do. Raises OSError, and then everything is as it was."""
    for kind in KINDS:
        started = house.timer()
        with house.ledger.read() as connection:
            if not _is_enough(staging.totals(connection, kind)):
                continue
            chosen, table = _run(house, connection, kind)
        if _replace(house, chosen, table):
            told = {"kind": str(kind), "parts": len(chosen), "rows": table.num_rows}
            seconds = round(house.timer() - started, 4)
            return Compacted([Fact("dataset.compacted", {**told, "seconds": seconds})], more=True)
    started = house.timer()
    merged = house.index.merge(house.ledger)
    if merged is None:
        return Compacted([], more=False)
    seconds = round(house.timer() - started, 4)
    return Compacted([Fact("index.merged", {"runs": merged.runs, "rows": merged.rows, "seconds": seconds})], more=True)


def _is_enough(staged: Staged) -> bool:
    return staged.parts >= ENOUGH_PARTS or staged.rows >= ENOUGH_ROWS or staged.size >= ENOUGH_BYTES


def _run(house: House, connection: Connection, kind: PartKind) -> tuple[list[Part], pa.Table]:
    """The oldest staged parts that follow each other and have the same columns: no value is changed by a type."""
    following = _following(staging.first(connection, kind, PARTS_AT_ONCE))
    chosen: list[Part] = []
    tables: list[pa.Table] = []
    until = staging.next_file(connection, following[0])
    candidates = takewhile(lambda part: until is None or part.dataset_version < until, following)
    for part, table in parts.read_all(connection, house.workspace.parts, candidates):
        if tables and table.schema != tables[0].schema:
            break
        chosen.append(part)
        tables.append(table)
    return chosen, pa.concat_tables(tables)


def _following(staged: list[Part]) -> list[Part]:
    """As many as one step takes; of rows those whose numbers have no gap, which is where a file lies between."""
    chosen = staged[:1]
    rows, size = staged[0].rows, staged[0].size
    for before, part in pairwise(staged):
        rows, size = rows + part.rows, size + part.size
        gap = part.kind is PartKind.ROWS and part.first_row != before.end_row
        if gap or rows > ROWS_AT_ONCE or size > BYTES_AT_ONCE:
            break
        chosen.append(part)
    return chosen


def _replace(house: House, chosen: list[Part], table: pa.Table) -> bool:
    """Write one file for these parts, then put it in their place. False: somebody else has changed them meanwhile."""
    first, last = chosen[0], chosen[-1]
    # No file ever had this name: versions only rise, also where the data set is forgotten and begins anew.
    path = f"{first.kind}-{first.dataset_version:08d}-{last.dataset_version:08d}-{first.first_row}"
    part = replace(first, path=path, dataset_version=last.dataset_version)
    prepared = parts.prepare_file(house.workspace.parts, part, table)
    numbers = [part.id for part in chosen]
    with house.ledger.write() as connection:
        if staging.among(connection, numbers) != len(numbers):
            return False
        # Recorded before the others go: SQLite would give it the number of one of them.
        decisions.move_members(connection, numbers, parts.record(connection, prepared))
        parts.forget(connection, numbers)
    return True
