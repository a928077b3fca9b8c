"""Arrow streams from outside are checked before they are believed."""

from __future__ import annotations

from contextlib import suppress

import pyarrow as pa
import pyarrow.ipc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.object_reading import ObjectReader
from handlers.prediction import predict
from server.arrow_wire import BATCHES_AT_ONCE, read_stream, write_stream
from server.problems import Kind, Problem
from tests.unit.server.small_house import CLIENT, release


def _stream(table: pa.Table, compression: str | None = None, *, batch: int | None = None) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table, max_chunksize=batch)
    return bytes(sink.getvalue())


TABLE = pa.table({"tenure": [1.0, 2.0], "contract": pa.array(["a", "b"]).dictionary_encode()})


def test_a_plain_stream_is_read() -> None:
    assert read_stream(_stream(TABLE), features=2).equals(TABLE)


@pytest.mark.parametrize("rows", [BATCHES_AT_ONCE - 1, BATCHES_AT_ONCE, 2 * BATCHES_AT_ONCE + 1])
def test_a_stream_of_many_batches_is_the_table_that_it_was(rows: int) -> None:
    texts = pa.array([f"text {number % 7}" for number in range(rows)]).dictionary_encode()
    table = pa.table({"tenure": [float(number) for number in range(rows)], "contract": texts})
    found = read_stream(_stream(table, batch=1), features=2)
    assert found.to_pydict() == table.to_pydict()
    assert found["tenure"].num_chunks <= BATCHES_AT_ONCE


def test_dictionaries_that_cannot_become_one_are_read_as_they_are() -> None:
    kind = pa.dictionary(pa.int8(), pa.string())
    first = pa.array([0], pa.int8())
    columns = [pa.DictionaryArray.from_arrays(first, pa.array([f"t{one}"])) for one in range(BATCHES_AT_ONCE + 1)]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema({"contract": kind})) as writer:
        for column in columns:
            writer.write_batch(pa.record_batch({"contract": column}))
    found = read_stream(bytes(sink.getvalue()), features=1)
    assert found["contract"].to_pylist() == [f"t{number}" for number in range(BATCHES_AT_ONCE + 1)]


def test_a_large_dictionary_that_very_many_batches_refer_to_is_refused() -> None:
    texts = pa.array([f"t{number}" for number in range(40_000)])
    table = pa.table({"contract": pa.DictionaryArray.from_arrays(pa.array([0] * 255, pa.int32()), texts)})
    with pytest.raises(Problem) as refused:
        read_stream(_stream(table, batch=1), features=1)
    assert refused.value.kind is Kind.TOO_LARGE
    assert read_stream(_stream(table), features=1).num_rows == 255


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressed_buffers_are_refused(compression: str) -> None:
    large = pa.table({"tenure": pa.array([0.0] * 1_000_000)})
    with pytest.raises(Problem) as refused:
        read_stream(_stream(large, compression), features=1)
    assert refused.value.kind is Kind.UNSUPPORTED_TYPE


def test_rows_that_cost_no_bytes_are_limited() -> None:
    with pytest.raises(Problem) as refused:
        read_stream(_stream(pa.table({"tenure": pa.nulls(50_000_000)})), features=3)
    assert refused.value.kind is Kind.TOO_LARGE


@pytest.mark.parametrize("plain", [_stream(TABLE), _stream(pa.concat_tables([TABLE] * 150), batch=1)])
@given(data=st.data(), byte=st.integers(0, 255))
def test_a_damaged_stream_is_a_problem_or_a_table(plain: bytes, data: st.DataObject, byte: int) -> None:
    content = bytearray(plain)
    content[data.draw(st.integers(0, len(plain) - 1))] = byte
    with suppress(Problem):
        read_stream(bytes(content), features=2)


def test_an_answer_holds_what_was_said() -> None:
    said = predict(release(), ObjectReader(release()).read([CLIENT, {**CLIENT, "corporation": None}]), reasons=2)
    table = pa.ipc.open_stream(write_stream(said)).read_all()
    assert table["id"].to_pylist() == ["abcd", None]
    assert table["probability"].to_pylist() == said.probabilities.tolist()
    assert table["reasons"][0].as_py()[0] == {"columns": ["tenure"], "values": ["3"], "effect": 1.75}
    assert table.schema.metadata[b"model_version"] == b"2"
