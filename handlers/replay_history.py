"""Labelled history in blocks and in order: as the ledger decided on it, else as a daemon would have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from handlers import replay_files
from handlers.domain.blocks import Waiting
from handlers.domain.replay_blocks import blocks_of, in_order
from handlers.domain.schema import FILE_COLUMN, LINE_COLUMN, Role
from handlers.house import House
from handlers.replay_files import Read
from handlers.storage import dataset
from handlers.storage.decisions import Member
from handlers.training_window import Window, labels_of, window_of

IDLE = "It has no labelled rows that could be decided on."
STRIDE = 3
"""The numbers of blocks that the ledger does not know are so far apart: freed files and a challenge come between."""


@dataclass(frozen=True, slots=True)
class Step:
    """A decision to be replayed. ``recorded``: it is one of the ledger, which has also said what is held."""

    number: int
    kind: Literal["block", "challenge"]
    periods: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    recorded: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """``window``: all labelled rows, by the step that takes each; ``names``: of the files, by number; ``columns``:
    those that are known at a step."""

    window: Window
    names: dict[int, str]
    steps: tuple[Step, ...]
    columns: dict[int, tuple[str, ...]]
    unused: tuple[tuple[str, str], ...] = ()

    def read(self, first: int, last: int, blocks: NDArray[np.int64], *, at: int) -> Window:
        """The rows of the steps from ``first`` to ``last``, in the columns known at step ``at``.

        ``blocks``: int64[n], the step that takes each row, where a gate has made that another one.
        """
        chosen = np.flatnonzero((blocks >= first) & (blocks <= last))
        chosen = chosen[np.argsort(blocks[chosen], kind="stable")]
        whole, names = self.window, set(self.columns[at])
        columns = tuple(column for column in whole.schema.columns if column.name in names)
        kept = [*(column.name for column in columns), dataset.ROW_COLUMN, FILE_COLUMN, LINE_COLUMN]
        return replace(
            whole,
            table=whole.table.select(kept).take(pa.array(chosen)),
            labels=whole.labels[chosen],
            clients=whole.clients[chosen],
            rows=whole.rows[chosen],
            blocks=blocks[chosen],
            files=whole.files[chosen],
            schema=replace(whole.schema, columns=columns),
        )


def read(house: House, paths: Sequence[Path], spill: Path) -> History:
    """The labelled rows of these files. What the ledger knows by its content comes first, as it was decided.

    The other files follow, each as one block, or by ``dataset.time_column``. A row that is in several of them is there
    as often. ``spill``: the folder in which rows of a large file wait.
    """
    ordered = [paths[place] for place in in_order([str(path) for path in paths])]
    found = replay_files.read(house, ordered, spill)
    if not found.rows:
        schema = found.schema
        empty = dataset.conform(pa.table({}), schema.columns).append_column(
            dataset.ROW_COLUMN, pa.array([], pa.int64())
        )
        nothing = np.empty(0, dtype=np.int64)
        idle = tuple((name, IDLE) for _, name in sorted(found.names.items()))
        return History(window_of(empty, nothing, nothing, schema, house), {}, (), {}, (*found.unused, *idle))
    return _history(house, found)


def _history(house: House, found: Read) -> History:
    schema = found.schema
    table = pa.concat_tables(
        dataset.conform(one.table, schema.columns).append_column(dataset.ROW_COLUMN, pa.array(one.numbers))
        for one in found.rows
    )
    blocks = np.concatenate([one.blocks for one in found.rows])
    of_file = np.concatenate([one.files for one in found.rows])
    labels = labels_of(table, schema, house.dataset)
    time = schema.with_role(Role.TIME)
    loose = np.flatnonzero((blocks == 0) & (labels >= 0))
    periods = [None] * len(loose) if time is None else table[time.name].take(pa.array(loose)).to_pylist()
    waiting = _waiting(of_file[loose], periods, labels[loose] == 1)
    steps = (*_recorded(found), *_loose(house, found, waiting, by_time=time is not None))
    taken_by = {(one.file, one.period): step.number for step in steps if not step.recorded for one in step.members}
    blocks[loose] = [taken_by.get(key, 0) for key in zip(of_file[loose].tolist(), periods, strict=True)]
    taken = blocks > 0
    window = window_of(table.filter(pa.array(taken)), blocks[taken], of_file[taken], schema, house)
    used = set(window.files.tolist())
    idle = [name for seq, name in sorted(found.names.items()) if seq not in used]
    unused = (*found.unused, *((name, IDLE) for name in idle))
    columns = dict(found.recorded.columns)
    for step in steps:
        if not step.recorded:
            newest = max(one.file for one in step.members)
            known = schema.names if time is not None else found.columns.get(newest, schema.names)
            columns |= dict.fromkeys(range(step.number, step.number + STRIDE), known)
    return History(window, found.names, steps, columns, unused)


def _waiting(of_file: NDArray[np.int64], periods: Sequence[str | None], left: NDArray[np.bool_]) -> list[Member]:
    """Members of blocks to come: the rows of each file and period, in the order in which they were met."""
    counts: dict[tuple[int, str | None], list[int]] = {}
    for key, positive in zip(zip(of_file.tolist(), periods, strict=True), left.tolist(), strict=True):
        counted = counts.setdefault(key, [0, 0])
        counted[0] += 1
        counted[1] += positive
    return [
        Member(place, 0, seq, period, rows, positives)
        for place, ((seq, period), (rows, positives)) in enumerate(counts.items(), start=1)
    ]


def _recorded(found: Read) -> list[Step]:
    members = found.recorded.members
    return [
        Step(
            number=one.id,
            kind="challenge" if one.kind == "challenge" else "block",
            periods=tuple(one.periods),
            members=members.get(one.id, ()),
            recorded=True,
        )
        for one in found.recorded.decisions
    ]


def _loose(house: House, found: Read, waiting: Sequence[Member], *, by_time: bool) -> list[Step]:
    """The blocks of what no decision has taken."""
    training = house.learning.training
    asked = [Waiting(one.id, one.period, one.rows, one.positives) for one in waiting]
    arrivals = [asked] if by_time else [[one] for one in asked]
    before = [one for members in found.recorded.members.values() for one in members]
    taken = sum(one.rows for one in before), sum(one.positives for one in before)
    limits = training.minimum_rows, training.minimum_rare
    of = {one.id: one for one in waiting}
    return [
        Step(number, "block", block.periods, tuple(replace(of[each], decision=number) for each in block.ids))
        for number, block in zip(
            count(found.next_decision, STRIDE), blocks_of(arrivals, taken=taken, limits=limits), strict=False
        )
    ]
