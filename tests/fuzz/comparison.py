"""One file to both readers: do they say the same?"""

from __future__ import annotations

import contextlib
import functools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from handlers import chunking, decoding, parsing, validation
from handlers.domain.batch import Batch
from handlers.domain.files import Reason
from handlers.domain.limits import Limits
from handlers.domain.schema import DatasetSettings, Schema
from handlers.storage import inbox
from handlers.storage.inbox import Content, Drop
from tests.fuzz import mutations, slow_reader
from tests.fuzz.slow_text import Refused

REJECTED_FRACTIONS = (0.2, 0.2, 0.5, 1.0)
#: Seconds in which a file is made smaller of which the readers do not say the same.
SHRINKING = 3.0
#: How much of either answer is shown.
SHOWN = 500
NAME = "drop.csv"

Said = dict[str, Any] | str
"""What a reader says of a file: its parts by name, or why it is refused."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the fast reader goes through a file. ``block``: bytes at once, None: as it is built; ``streamed``: from the
    disk instead of from memory; ``rows``: in a chunk."""

    block: int | None = None
    streamed: bool = False
    rows: int = 1 << 19

    def __str__(self) -> str:
        return f"blocks of {self.block or 'the usual'} bytes{', streamed' if self.streamed else ''}"


SHAPES = (Shape(), Shape(7, rows=2), Shape(64, rows=5), Shape(64, streamed=True, rows=5), Shape(700, rows=50))


def shapes(seed: int) -> tuple[Shape, Shape]:
    """The usual shape, and one of the others: with small blocks, reading costs a hundred times as much."""
    return SHAPES[0], SHAPES[1 + seed % (len(SHAPES) - 1)]


@dataclass(frozen=True, slots=True)
class Trial:
    """A file that a seed makes, and what it is held against."""

    seed: int
    content: bytes
    schema: Schema
    settings: DatasetSettings
    limits: Limits

    @classmethod
    def of(cls, seed: int) -> Trial:
        chance = random.Random(seed)  # noqa: S311 - to be repeated
        schema, settings = mutations.house(chance)
        limits = Limits(max_rejected_fraction=chance.choice(REJECTED_FRACTIONS))
        return cls(seed, mutations.make(chance, schema, settings), schema, settings, limits)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What the two readers say of a file, and the smallest file that was found of which they do not say the same."""

    trial: Trial
    shape: Shape
    content: bytes
    slow: Said
    fast: Said

    def __str__(self) -> str:
        columns = [f"{column.name}:{column.type}" for column in self.trial.schema.columns]
        return (
            f"seed {self.trial.seed}, {self.shape}: {self.content!r}\n"
            f"  schema: {columns or 'none yet'}, settings: {self.trial.settings}, {self.trial.limits}\n"
            f"  slow: {str(self.slow)[:SHOWN]}\n  fast: {str(self.fast)[:SHOWN]}\n"
            f"  again: python -m tests.fuzz --seed {self.trial.seed} --count 1"
        )


def compare(trial: Trial, shape: Shape, folder: Path) -> Disagreement | None:
    """Let both read; a disagreement is made as small as it quickly can be."""

    def differ(content: bytes) -> bool:
        return not _same(_slow(trial, content), _fast(trial, content, shape, folder), trial.schema)

    if not differ(trial.content):
        return None
    content = _smaller(trial.content, differ)
    return Disagreement(trial, shape, content, _slow(trial, content), _fast(trial, content, shape, folder))


def _same(slow: Said, fast: Said, schema: Schema) -> bool:
    """Whether both refuse, or all is the same but for the optional columns that the file does not have."""
    if isinstance(slow, str) or isinstance(fast, str):
        return isinstance(slow, str) and isinstance(fast, str) and not fast.startswith("raised")
    absent = [column.name for column in schema.columns if column.optional and column.name not in slow["columns"]]
    added = slow["columns"] | {name: [None] * len(slow["lines"]) for name in absent if slow["kind"] == "rows"}
    return repr(slow | {"columns": _plain(added)}) == repr(fast | {"columns": _plain(fast["columns"])})


def _plain(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """With one zero: an integer has no negative one, and which blocks were read as integers depends on their size."""
    return {
        name: [value + 0.0 if isinstance(value, float) else value for value in values]
        for name, values in columns.items()
    }


def _slow(trial: Trial, content: bytes) -> Said:
    try:
        read = slow_reader.read(content, trial.schema, trial.settings, trial.limits)
    except Refused as refusal:
        return f"refused: {refusal}"
    return {
        "kind": read.kind,
        "columns": read.columns,
        "lines": read.lines,
        "labels": read.labels,
        "rejected": read.faults,
        "rows_read": read.rows_read,
    }


def _fast(trial: Trial, content: bytes, shape: Shape, folder: Path) -> Said:
    try:
        with _reading(shape), _content(content, shape, folder) as taken:
            batch = validation.validate(
                taken,
                name=NAME,
                schema=trial.schema,
                settings=trial.settings,
                limits=trial.limits,
                spill=folder,
            )
            if isinstance(batch, Reason):
                return f"refused: {batch}"
            said = _said(batch, trial.schema)
            if shape.block is not None:
                said["rejected"].sort()  # faults that had to wait on disk need not be in order
            return said
    except Exception as error:
        return f"raised {error!r}"


def _said(batch: Batch, schema: Schema) -> dict[str, Any]:
    with contextlib.closing(batch):
        chunks = list(batch.chunks)
        rejected = [(fault.line, fault.column, fault.code, fault.value) for fault in batch.rejected]
    columns: dict[str, list[Any]] = {}
    for chunk in chunks:
        for name in chunk.table.column_names:
            columns.setdefault(name, []).extend(chunk.table[name].to_pylist())
    said = {
        "kind": batch.kind,
        "columns": columns,
        "lines": [int(line) for chunk in chunks for line in chunk.lines],
        "labels": [int(label) for chunk in chunks for label in chunk.labels],
        "rejected": rejected,
        "rows_read": batch.rows_read,
    }
    rows, unlabelled = len(said["lines"]), said["labels"].count(-1)
    assert (batch.rows, batch.unlabelled) == (rows, unlabelled), "the batch counts its rows wrongly"
    assert all(len(values) == rows for values in columns.values()), "columns of different length"
    assert batch.schema is schema or batch.schema.version == schema.version + 1, "the schema's version is wrong"
    return said


@contextlib.contextmanager
def _reading(shape: Shape) -> Iterator[None]:
    """Make the fast reader's blocks small, wherever it has some."""
    if shape.block is None:
        yield
        return
    size = shape.block
    with contextlib.ExitStack() as stack:
        put = stack.enter_context
        put(mock.patch.object(validation, "cut", functools.partial(validation.cut, block_bytes=size)))
        put(mock.patch.multiple(parsing, ONE_PIECE=0, PIECE_BYTES=size // 2 + 1, FIRST_LOOK=size))
        put(mock.patch.multiple(decoding, KEPT_BYTES=size, BLOCK=size))
        put(mock.patch.multiple(chunking, CHUNK_ROWS=shape.rows, FAULT_BYTES=size * 4, KEPT_FAULTS=shape.rows))
        for function in (Content.blocks, decoding.Text.blocks, decoding._Packed.blocks):
            put(mock.patch.object(function, "__defaults__", (size,)))
        yield


@contextlib.contextmanager
def _content(content: bytes, shape: Shape, folder: Path) -> Iterator[Content]:
    if not shape.streamed:
        with Content.of(content) as held:
            yield held
        return
    (folder / NAME).write_bytes(content)
    with mock.patch.object(inbox, "HELD_BYTES", -1):
        taken = inbox.take(folder, NAME, max_bytes=len(content))
    assert isinstance(taken, Drop)
    with taken.content as streamed:
        yield streamed


def _smaller(content: bytes, differ: Callable[[bytes], bool]) -> bytes:
    """Leave out whatever can be left out in a short time, larger pieces first."""
    until = time.monotonic() + SHRINKING
    size = len(content) // 2
    while size and time.monotonic() < until:
        place, before = 0, len(content)
        while place < len(content) and time.monotonic() < until:
            shorter = content[:place] + content[place + size :]
            if differ(shorter):
                content = shorter
            else:
                place += size
        if len(content) == before:
            size //= 2
    return content
