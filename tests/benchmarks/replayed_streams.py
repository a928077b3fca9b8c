"""The program itself on a stream: its rules and its learner, by the engine of ``attritiond replay``."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import pyarrow as pa

from handlers import replaying
from handlers.domain.learning_settings import TrainingSettings
from handlers.domain.replay_outcome import Outcome
from handlers.domain.schema import FILE_COLUMN, LINE_COLUMN, Column, ColumnType, Role, Schema
from handlers.replay_history import STRIDE, History, Step
from handlers.storage.dataset import ROW_COLUMN
from handlers.storage.decisions import Member
from handlers.training_window import Window
from tests.benchmarks.hindsight import Course
from tests.benchmarks.streams import Stream, StreamFile
from tests.workshop import Workshop

POLICIES = ("evidence", replaying.FREE)


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """``course``: as of any other policy; ``fits``: of estimators, out-of-fold ones included; ``seconds``: of CPU for
    each decision, what another policy had fitted before not included."""

    course: Course
    fits: int
    seconds: tuple[float, ...]


def play(stream: Stream) -> dict[str, Played]:
    """Replay a stream file by file, by policy; the first pays for the fits that both need."""
    history, seconds = history_of(stream), list[float]()
    with TemporaryDirectory(prefix="attritiond-bench-") as folder:
        shop = Workshop(Path(folder), training=msgspec.structs.asdict(TrainingSettings()))
        with closing(shop.house.ledger):
            began = time.process_time()
            found = replaying.replay(shop.house, history, POLICIES, lambda: seconds.append(time.process_time()))
    spent = np.diff([began, *seconds]).tolist()
    return {
        one.policy: Played(_course(one, len(stream.files)), one.fits, tuple(spent[place :: len(POLICIES)]))
        for place, one in enumerate(found)
    }


def history_of(stream: Stream) -> History:
    """A stream as history that no ledger knows: each file is a block."""
    sizes = np.array([len(one.labels) for one in stream.files])
    files = np.repeat(np.arange(1, len(sizes) + 1), sizes)
    numbers = 1 + STRIDE * np.arange(len(sizes))
    schema = _schema(stream.files[0])
    marks = {ROW_COLUMN: np.arange(sizes.sum()), FILE_COLUMN: files, LINE_COLUMN: np.arange(sizes.sum())}
    columns = {
        column.name: pa.array(
            np.concatenate([one.columns[column.name] for one in stream.files]),
            pa.float64() if column.type.is_numeric else pa.string(),
            from_pandas=True,
        )
        for column in schema.columns
    }
    window = Window(
        table=pa.table(columns | {name: pa.array(values, pa.int64()) for name, values in marks.items()}),
        labels=np.concatenate([one.labels for one in stream.files]),
        clients=np.concatenate([one.clients for one in stream.files]),
        rows=marks[ROW_COLUMN],
        blocks=np.repeat(numbers, sizes),
        files=files,
        schema=schema,
        max_categories=TrainingSettings().max_categories,
    )
    steps = tuple(
        Step(number, "block", (), (_member(place, one, number),))
        for place, (number, one) in enumerate(zip(numbers.tolist(), stream.files, strict=True), start=1)
    )
    known = dict.fromkeys(range(1, 1 + STRIDE * len(sizes)), schema.names)
    names = {place: f"{stream.name}-{place:02d}.csv" for place in range(1, len(sizes) + 1)}
    return History(window, names, steps, known)


def _member(place: int, file: StreamFile, decision: int) -> Member:
    return Member(place, 0, place, None, len(file.labels), int((file.labels == 1).sum()), decision)


def _schema(file: StreamFile) -> Schema:
    return Schema(
        version=1,
        columns=tuple(
            Column(name, ColumnType.CATEGORY if values.dtype == np.object_ else ColumnType.NUMBER, Role.FEATURE)
            for name, values in file.columns.items()
        ),
        provisional=False,
    )


def _course(found: Outcome, files: int) -> Course:
    """Raises AssertionError where not each file after the first was scored once."""
    losses = [one.loss for one in found.steps if one.loss is not None]
    if len(losses) != files - 1:
        raise AssertionError(f"{found.policy} has scored {len(losses)} files of {files - 1}")
    return Course(np.array(losses), found.deployments, found.alarms)
