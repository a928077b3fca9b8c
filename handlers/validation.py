"""The bytes of a dropped file to a typed batch, or the reason why the whole file is refused.

What is readable without guessing is accepted; what takes one guess is accepted and the guess is noted; where a guess
could shift meaning, the file is refused. A fault of a single row sets that row aside.

A file is read block by block, by a plan for each column. What its end shows may be that a plan was wrong; then the
file is read again by what is known now. Memory is bounded whatever the file holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from handlers.chunking import Rows
from handlers.cutting.rows import cut
from handlers.decoding import Text, decode
from handlers.domain.arrow_types import ARROW_TYPES
from handlers.domain.batch import Batch, Chunk, Layout
from handlers.domain.column_matching import Matched, expected_names, match_columns
from handlers.domain.column_reading import fitted
from handlers.domain.column_settling import Settled, settle, unlike_neighbours
from handlers.domain.evidence import NOTHING
from handlers.domain.files import Reason, RowCounts, RowFault
from handlers.domain.header import Head
from handlers.domain.labels import SettledTarget, label_values, settle_target
from handlers.domain.limits import Limits
from handlers.domain.rejected import RejectedRows
from handlers.domain.schema import DatasetSettings, Schema
from handlers.domain.schema_change import Learned, schema_after
from handlers.parsing import pieces, read_head, trailing_note
from handlers.row_reading import Brief, Pass, brief, hopeful_plans, read_rows
from handlers.storage.inbox import Content

__all__ = ["Batch", "Limits", "validate"]

#: A plan that was settled on fits by construction, at the latest when it is followed for the third time; then the
#: faults may still have to be gathered.
PASSES = 5
#: Faults that are spelled out in the refusal of a file.
SHOWN_FAULTS = 3
SHOWN_CHARACTERS = 60
SHOWN_LINES = 20
FAULT_WORDS = {
    "ragged": "has another number of cells than the header",
    "repeated_header": "is the header again",
    "missing_id": "has no id",
    "missing_time": "has no time",
    "impossible_date": "is a date that no calendar has",
    "not_a_number": "is not a number",
    "unknown_label": "is neither of the two labels",
}


@dataclass(frozen=True, slots=True)
class _Read:
    """The rows of a file and what its columns turned out to be. ``target``: None for a file without one."""

    rows: Pass
    columns: Mapping[str, Settled]
    target: SettledTarget | None


def validate(  # noqa: PLR0913 - what a file is held against, each from somewhere else
    content: Content, *, name: str, schema: Schema, settings: DatasetSettings, limits: Limits, spill: Path
) -> Batch | Reason:
    """Read a file named ``name``, or say why it is refused. Nothing that a file can hold raises.

    ``spill``: the folder in which rows of a large file wait until the batch is closed. Several threads may validate at
    the same time. Raises ``inbox.Changed`` where a large file changes meanwhile, and OSError of the disk.
    """
    text = decode(content, limits)
    if isinstance(text, Reason):
        return text
    known = {name.casefold() for name in expected_names(schema, settings)}
    head = read_head(pieces(text), known=known, limits=limits)
    if isinstance(head, Reason):
        return head
    matched = match_columns(head.names, schema, settings)
    if isinstance(matched, Reason):
        return matched
    columns = brief(matched.names, schema, settings)
    read = _read(text, head, columns, limits, spill)
    if isinstance(read, Reason):
        return read
    rejected = read.rows.faults.finish()
    if _has_too_many_faults(read.rows, limits):
        reason = _too_many_rejected(rejected[:SHOWN_LINES], read.rows, limits)
        read.rows.close()
        return reason
    negative = read.target.stayed if read.target is not None else schema.negative_label
    after, changes = schema_after(schema, _learned(read, columns), matched.added, negative, settings)
    notes = (
        *_name_notes(name, compressed=text.compressed),
        *text.notes,
        *head.notes,
        *trailing_note(read.rows.trailing),
    )
    notes += (*matched.notes, *(note for column in read.columns.values() for note in column.notes), *changes)
    layout = Layout(text.encoding, head.delimiter, text.compressed)
    return _batch(read, _Form(columns, matched, after, read), rejected, notes, layout)


@dataclass(frozen=True, slots=True)
class _Form:
    """What the chunks of a file look like."""

    brief: Brief
    matched: Matched
    schema: Schema
    read: _Read

    def chunk(self, rows: Rows) -> Chunk:
        """Make a chunk of rows whose columns are those of the file but for the target."""
        types = {column.name: column.type for column in self.schema.columns}
        values = {
            name: fitted(column, types[name]) for name, column in zip(self.brief.columns, rows.columns, strict=True)
        }
        if self.brief.target is not None and self.read.target is not None:
            values[self.brief.target_name] = label_values(rows.labels, self.brief.target, self.read.target)
        names = [*self.brief.names, *self.matched.absent]
        values |= {name: pa.nulls(len(rows.lines), ARROW_TYPES[types[name]]) for name in self.matched.absent}
        return Chunk(pa.Table.from_arrays([values[name] for name in names], names=names), rows.lines, rows.labels)


def _batch(read: _Read, form: _Form, rejected: RejectedRows, notes: tuple[str, ...], layout: Layout) -> Batch:
    chunks = read.rows.chunks
    return Batch(
        kind=form.matched.kind,
        chunks=chunks.finish(form.chunk),
        schema=form.schema,
        rejected=rejected,
        notes=notes,
        layout=layout,
        rows_read=read.rows.rows_read,
        rows=chunks.rows,
        unlabelled=chunks.unlabelled,
        release=read.rows.close,
    )


def _read(text: Text, head: Head, columns: Brief, limits: Limits, spill: Path) -> _Read | Reason:
    """Read the rows, again where the plan of a column turns out to be wrong."""
    plans, allowed = hopeful_plans(columns), limits.max_rejected_fraction
    for number in range(PASSES):
        rows = Pass.begin(plans, spill, allowed)
        refused = read_rows(cut(pieces(text), head, limits), columns, rows, revise=number == 0)
        if refused is not None:
            return refused
        settled = _settle(rows, columns)
        if isinstance(settled, Reason):
            rows.close()
            return settled
        wrong = {
            name: column.plan
            for name, column in settled.columns.items()
            if not column.plan.reads_like(rows.plans[name])
        }
        if not wrong and (rows.faults.complete or _has_too_many_faults(rows, limits)):
            refused = unlike_neighbours(settled.columns)
            if refused is not None:
                rows.close()
            return refused or settled
        rows.close()
        plans = rows.plans | wrong
        # The faults were many at first, and are not that many after all: now each is kept.
        allowed = allowed if wrong else 1.0
    message = f"columns {', '.join(sorted(wrong))} were read {PASSES} times, and no plan fits; this is an error of ours"
    raise AssertionError(message)


def _settle(rows: Pass, columns: Brief) -> _Read | Reason:
    """Say what the columns are, given all rows; where a plan has to change, that alone counts."""
    settled: dict[str, Settled] = {}
    for name, column in columns.columns.items():
        found = settle(column, rows.plans[name], rows.evidence.get(name, NOTHING))
        if isinstance(found, Reason):
            return found
        settled[name] = found
    target = None
    if columns.target is not None:
        labels = settle_target(columns.target, rows.labels)
        if isinstance(labels, Reason):
            return labels
        target = labels
    return _Read(rows, settled, target)


def _learned(read: _Read, columns: Brief) -> dict[str, Learned]:
    learned = {name: Learned(column.type, column.blank, column.wide) for name, column in read.columns.items()}
    if read.target is not None:
        learned[columns.target_name] = Learned(read.target.type)
    return learned


def _has_too_many_faults(rows: Pass, limits: Limits) -> bool:
    return rows.faults.rows > limits.max_rejected_fraction * rows.rows_read or not rows.chunks.rows


def _too_many_rejected(first: tuple[RowFault, ...], rows: Pass, limits: Limits) -> Reason:
    rejected, rows_read = rows.faults.rows, rows.rows_read
    what = f"{rejected} of {rows_read} rows cannot be used ({limits.max_rejected_fraction:.0%} may be)"
    shown = "; ".join(f"{_place(fault)}: {_value(fault)} {FAULT_WORDS[fault.code]}" for fault in first[:SHOWN_FAULTS])
    logged = "; ".join(f"{_place(fault)}: what is there {FAULT_WORDS[fault.code]}" for fault in first[:SHOWN_FAULTS])
    lines = tuple(fault.line for fault in first)
    counts = RowCounts(read=rows_read, rejected=rejected)
    hint = "Correct these rows and send the file again."
    return Reason("too_many_rejected", f"{what}: {shown}.", hint, lines, counts, f"{what}: {logged}.")


def _place(fault: RowFault) -> str:
    return f"line {fault.line}" + (f", column {fault.column!r}" if fault.column else "")


def _value(fault: RowFault) -> str:
    return repr(fault.value[:SHOWN_CHARACTERS])


def _name_notes(name: str, *, compressed: bool) -> tuple[str, ...]:
    if compressed == name.lower().endswith(".gz"):
        return ()
    what = "is gzip, though its name does not say so" if compressed else "is not gzip, though its name says so"
    return (f"The file {what}.",)
