"""A large file is what a small one is: whatever its blocks and chunks, it is read as if it were whole in memory."""

from __future__ import annotations

import csv
import functools
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from handlers import chunking, row_reading, validation
from handlers.cutting.rows import cut
from handlers.domain.files import Reason, RowFault
from handlers.domain.schema import ColumnType, DatasetSettings, Schema
from handlers.storage.inbox import Content
from handlers.storage.spill import Spill, Spilled
from handlers.validation import Batch, Limits, validate

SETTINGS = DatasetSettings(id_column="id", target_column="left", time_column="day")
LIMITS = Limits(max_rejected_fraction=0.7)
HEADER = b"id,day,n,x,plan,left\n"
GOOD = HEADER + b"".join(b"i%d,2025-01-01,%d,%d.5,p%d,%d\n" % (i, i, i, i % 3, i % 2) for i in range(60))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(validation, "cut", functools.partial(cut, block_bytes=64))
    monkeypatch.setattr(chunking, "CHUNK_ROWS", 7)
    monkeypatch.setattr(chunking, "FAULT_BYTES", 100)
    return monkeypatch


def run(content: bytes, folder: Path, schema: Schema | None = None, limits: Limits = LIMITS) -> Batch | Reason:
    schema = schema or Schema()
    drop = Content.of(content)
    return validate(drop, name="x.csv", schema=schema, settings=SETTINGS, limits=limits, spill=folder)


def accepted(content: bytes, folder: Path, schema: Schema | None = None, limits: Limits = LIMITS) -> Batch:
    batch = run(content, folder, schema, limits)
    assert isinstance(batch, Batch), batch
    return batch


def everything(outcome: Batch | Reason) -> object:
    """All that a batch says, its chunks as one."""
    if isinstance(outcome, Reason):
        return outcome
    chunks = list(outcome.chunks)
    table = pa.concat_tables([chunk.table for chunk in chunks])
    lines = np.concatenate([chunk.lines for chunk in chunks])
    labels = np.concatenate([chunk.labels for chunk in chunks])
    assert len(lines) == len(labels) == table.num_rows == outcome.rows
    assert outcome.rows_read == outcome.rows + len(outcome.rejected)
    assert outcome.unlabelled == (labels < 0).sum()
    rejected = sorted(outcome.rejected, key=lambda fault: fault.line)
    facts = (outcome.kind, outcome.schema, outcome.notes, outcome.layout, rejected)
    return facts, table.schema, table.to_pydict(), lines.tolist(), labels.tolist()


NUMBER = st.sampled_from(
    ["", "1", "2", "-3", "0.5", "1e3", "7.0", " 4 ", "NA", "9007199254740993", "1,5", "1.234,5", "1 234", "007"]
)
WORD = st.sampled_from(["", "a", "b", " ", "x,y", "two\nlines", 'q"q', "0x1F", "1_000", "inf"])
IDS = st.sampled_from(["a", "b", "007", "", "NA"])
DAYS = st.sampled_from(["2024-01-31", "2024-02-30", "", " ", "March"])
LABELS = st.sampled_from(["1", "0", "", " 1.0"]) | st.sampled_from(["1", "0", "yes"])


@st.composite
def files(draw: st.DrawFn) -> str:
    columns = [IDS, DAYS, draw(st.sampled_from([NUMBER, NUMBER | WORD])), NUMBER, WORD, LABELS]
    if draw(st.booleans()):
        columns[0], columns[1] = st.just("a"), st.just("2024-01-31")
    start = draw(st.integers(0, 30))
    rows = [["a", "2024-01-31", "1", "2", "w", "1"]] * start + draw(st.lists(st.tuples(*columns), max_size=25))
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator=draw(st.sampled_from(["\n", "\r\n"]))).writerows(rows)
    return HEADER.decode() + file.getvalue() + draw(st.sampled_from(["", ",,,,,\n", "a,b\n", "\n\n"]))


SCHEMAS = st.sampled_from([ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.TEXT, None])


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=files(), known=st.booleans(), promoted=st.booleans())
@example(text=HEADER.decode() + "a,2024-01-31,1,1,w,1\n" * 9 + "a,2024-01-31,1.5,x,w,0\n", known=False, promoted=False)
def test_small_blocks_and_chunks_give_the_same_batch(text: str, known: bool, promoted: bool, tmp_path: Path) -> None:
    schema = Schema()
    if known:
        learned = accepted(GOOD, tmp_path).schema
        schema = Schema(learned.version, learned.columns, not promoted, learned.negative_label)
    whole = everything(run(text.encode(), tmp_path, schema))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation, "cut", functools.partial(cut, block_bytes=64))
        patch.setattr(chunking, "CHUNK_ROWS", 7)
        patch.setattr(chunking, "FAULT_BYTES", 100)
        outcome = run(text.encode(), tmp_path, schema)
        assert everything(outcome) == whole
    if isinstance(outcome, Batch):
        outcome.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_blocks")
def test_chunks_wait_on_disk_until_the_batch_is_closed(tmp_path: Path) -> None:
    batch = accepted(GOOD, tmp_path)
    assert [chunk.table.num_rows for chunk in batch.chunks] == [7] * 8 + [4]
    assert len(batch.chunks) == len(list(tmp_path.iterdir())) == 9
    assert batch.chunks[8].lines.tolist() == batch.chunks[-1].lines.tolist() == [58, 59, 60, 61]
    assert [chunk.labels.tolist() for chunk in batch.chunks[:2]] == [[0, 1, 0, 1, 0, 1, 0], [1, 0, 1, 0, 1, 0, 1]]
    batch.close()
    batch.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_blocks")
def test_a_column_that_becomes_a_number_late_is_one_from_the_first_chunk_on(tmp_path: Path) -> None:
    batch = accepted(GOOD + b"z,2025-01-01,0.25,1,p,1\n", tmp_path, accepted(GOOD, tmp_path).schema)
    assert {chunk.table["n"].type for chunk in batch.chunks} == {pa.float64()}
    assert batch.chunks[0].table["n"].to_pylist() == [float(number) for number in range(7)]
    batch.close()


def test_a_file_is_read_again_only_where_its_end_shows_that_a_plan_was_wrong(
    small_blocks: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    passes = []

    def counted(*arguments: object, **more: object) -> object:
        passes.append(more)
        return row_reading.read_rows(*arguments, **more)  # type: ignore[arg-type]

    small_blocks.setattr(validation, "read_rows", counted)
    for last, times in [(b"", 1), (b"z,2025-01-01,5.5,1,p,1\n", 1), (b"z,2025-01-01,many,1,p,1\n", 2)]:
        passes.clear()
        accepted(GOOD + last, tmp_path).close()
        assert len(passes) == times
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(
    ("last", "code"),
    [
        (b"z,2025-01-01,5", "truncated"),
        (b'z,2025-01-01,"5,1,p,1\n', "quotes"),
        (b"z,2025-01-01,5,1,p,yes\n", "labels"),
        (b"z,2025-02-30,5,1,p,1\n" * 200, "too_many_rejected"),
    ],
)
def test_nothing_waits_on_disk_after_a_refusal(last: bytes, code: str, tmp_path: Path) -> None:
    reason = run(GOOD + last, tmp_path)
    assert isinstance(reason, Reason)
    assert reason.code == code
    assert list(tmp_path.iterdir()) == []


def test_nothing_waits_on_disk_after_a_failure(small_blocks: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put = Spill.put

    def failing(spill: Spill, table: pa.Table) -> Spilled:
        if len(list(tmp_path.iterdir())) == 3:
            raise OSError("no space is left")
        return put(spill, table)

    small_blocks.setattr(Spill, "put", failing)
    with pytest.raises(OSError, match="no space is left"):
        run(GOOD, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_blocks")
def test_many_rows_set_aside_wait_on_disk_and_are_a_sequence(tmp_path: Path) -> None:
    faults = [RowFault(line, "day", "impossible_date", "2025-02-30") for line in range(62, 92)]
    batch = accepted(GOOD + b"z,2025-02-30,5,1,p,1\n" * 30 + GOOD.removeprefix(HEADER), tmp_path)
    assert len(list(tmp_path.iterdir())) > len(batch.chunks)
    assert list(batch.rejected) == faults
    assert (batch.rejected[0], batch.rejected[-1], batch.rejected[28:]) == (faults[0], faults[29], tuple(faults[28:]))
    assert len(batch.rejected) == 30
    with pytest.raises(IndexError):
        batch.rejected[30]
    batch.close()
    assert list(tmp_path.iterdir()) == []


def test_faults_beyond_what_is_allowed_are_counted_and_kept_once_the_file_turns_out_good(
    small_blocks: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small_blocks.setattr(chunking, "KEPT_FAULTS", 0)
    limits = Limits(max_rejected_fraction=0.5)
    bad = HEADER + b"z,2025-02-30,5,1,p,1\n" * 40
    batch = accepted(bad + GOOD.removeprefix(HEADER), tmp_path, limits=limits)
    assert list(batch.rejected) == [RowFault(line, "day", "impossible_date", "2025-02-30") for line in range(2, 42)]
    batch.close()
    reason = run(bad, tmp_path, limits=limits)
    assert isinstance(reason, Reason)
    assert reason.detail.startswith("40 of 40 rows cannot be used (50% may be): line 2, column 'day': '2025-02-30' is")
    assert reason.lines[0] == 2
    assert (reason.rows.read, reason.rows.rejected) == (40, 40)
    assert list(tmp_path.iterdir()) == []


def test_several_threads_may_validate_at_the_same_time(tmp_path: Path) -> None:
    texts = [HEADER + b"i%d,2025-01-01,%d,0.5,p,1\ncut,short\n" % (number, number) * 50 for number in range(40)]
    limits = Limits(max_rejected_fraction=0.5)
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda text: run(text, tmp_path, limits=limits), texts))
    assert [everything(batch) for batch in batches] == [
        everything(run(text, tmp_path, limits=limits)) for text in texts
    ]
    assert {type(batch) for batch in batches} == {Batch}
