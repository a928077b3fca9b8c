"""One pass over the rows of a file: every column read by its plan, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from handlers.chunking import ChunkWriter, FaultWriter, Rows
from handlers.cutting.rows import Cut
from handlers.domain.column_reading import CellBlock, Plan, Purpose, read_cells
from handlers.domain.column_settling import ColumnBrief, brief_of, plan_column, revised
from handlers.domain.evidence import Evidence
from handlers.domain.files import Reason
from handlers.domain.labels import UNLABELLED, LabelBlock, LabelEvidence, TargetPlan, plan_target, read_labels
from handlers.domain.rejected import FAULTS, fault_table, joined
from handlers.domain.schema import DatasetSettings, Schema
from handlers.storage.spill import Spill

#: How often a block is read until its plan fits it.
READINGS = 3


@dataclass(frozen=True, slots=True)
class Brief:
    """What is known of a file's columns before its rows are read.

    ``names``: of all columns in the file's order; ``columns``: of all but the target; ``target``: None for a file
    that has no target column.
    """

    names: tuple[str, ...]
    columns: Mapping[str, ColumnBrief]
    target: TargetPlan | None
    target_name: str


def brief(names: tuple[str, ...], schema: Schema, settings: DatasetSettings) -> Brief:
    """Gather what the schema and the settings say of a file's columns."""
    known, target = schema.by_name, settings.target_column
    columns = {
        name: brief_of(name, known.get(name), settings, provisional=schema.provisional)
        for name in names
        if name != target
    }
    plan = None
    if target in names:
        plan = plan_target(
            settings.positive_label, schema.negative_label, known[target].type if target in known else None
        )
    return Brief(names, columns, plan, target)


def hopeful_plans(brief: Brief) -> dict[str, Plan]:
    """How the columns are read at first."""
    return {name: plan_column(column) for name, column in brief.columns.items()}


@dataclass(slots=True)
class Pass:
    """What one pass over the rows gives.

    ``plans``: what each column was read by; ``trailing``: see ``Cut``; ``close`` removes what waits on disk.
    """

    plans: dict[str, Plan]
    chunks: ChunkWriter
    faults: FaultWriter
    close: Callable[[], None]
    evidence: dict[str, Evidence] = field(default_factory=dict)
    labels: LabelEvidence = field(default_factory=LabelEvidence)
    trailing: int = 0

    @property
    def rows_read(self) -> int:
        return self.chunks.rows + self.faults.rows

    @classmethod
    def begin(cls, plans: Mapping[str, Plan], folder: Path, allowed: float) -> Pass:
        """A pass that has read nothing. ``folder``: where rows may wait; ``allowed``: see ``FaultWriter``."""
        spill = Spill(folder)
        return cls(dict(plans), ChunkWriter(spill), FaultWriter(spill, allowed), spill.close)


def read_rows(cuts: Iterable[Cut | Reason], brief: Brief, into: Pass, *, revise: bool) -> Reason | None:
    """Read all rows by the plans of a pass. ``revise``: the first block with rows may still change these.

    Where it returns a reason to refuse the file, or raises what the cuts raise, or OSError because the disk is full,
    nothing waits on disk.
    """
    try:
        for cut in cuts:
            if isinstance(cut, Reason):
                into.close()
                return cut
            _add(into, cut, brief, revise=revise)
            revise = revise and not len(cut.lines)
    except BaseException:
        into.close()
        raise
    return None


def _add(result: Pass, cut: Cut, brief: Brief, *, revise: bool) -> None:
    result.trailing += cut.trailing
    faults = [cut.faults] if cut.faults is not None else []
    if len(cut.lines):
        kept = np.ones(len(cut.lines), bool)
        values, labels = [], np.full(len(kept), UNLABELLED, np.int8)
        for name, cells in zip(brief.names, cut.columns, strict=True):
            block: LabelBlock | CellBlock
            if brief.target is not None and name == brief.target_name:
                block = read_labels(cells, brief.target)
                result.labels += block.evidence
                labels = block.labels
            else:
                block = _read_cells(result, brief.columns[name], cells, revise=revise)
                values.append(block.values)
            rows = block.faults[kept[block.faults]] if len(block.faults) else block.faults
            if len(rows):
                kept[rows] = False
                faults.append(_faults(name, result.plans.get(name), cells.take(pa.array(rows)), cut.lines[rows]))
        read = Rows(values, cut.lines, labels)
        if len(faults) > (cut.faults is not None):
            mask = pa.array(kept)
            read = Rows([column.filter(mask) for column in values], cut.lines[kept], labels[kept])
        result.chunks.add(read)
    if faults:
        result.faults.add(joined(faults), result.chunks.rows)


def _read_cells(result: Pass, brief: ColumnBrief, cells: pa.StringArray, *, revise: bool) -> CellBlock:
    """Read a column's cells of one block; where the plan may be revised, again until it fits them."""
    plan = result.plans[brief.name]
    block = read_cells(cells, plan)
    for _ in range(READINGS if revise else 0):
        if plan.purpose is not Purpose.NEW and plan.style in block.evidence.styles:
            break
        better = revised(brief, plan, block.evidence)
        result.plans[brief.name] = better
        if better.reads_like(plan):
            break
        plan = better
        block = read_cells(cells, plan)
    before = result.evidence.get(brief.name)
    result.evidence[brief.name] = block.evidence if before is None else before + block.evidence
    return block


def _faults(name: str, plan: Plan | None, texts: pa.StringArray, lines: npt.NDArray[np.int64]) -> pa.Table:
    """The faults of one column in one block. ``plan``: None for the target."""
    if plan is None or plan.purpose is not Purpose.TIME:
        return fault_table(pa.array(lines), name, "unknown_label" if plan is None else plan.fault_code(""), texts)
    distinct = texts.dictionary_encode()
    codes = pa.array([plan.fault_code(text) for text in distinct.dictionary.to_pylist()] + [plan.fault_code("")])
    places = distinct.indices.fill_null(len(distinct.dictionary))
    table = fault_table(pa.array(lines), name, "", texts)
    return table.set_column(FAULTS.get_field_index("code"), FAULTS.field("code"), codes.take(places))
