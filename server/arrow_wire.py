"""Arrow streams in and out. A stream from outside is checked before any of it is believed."""

from __future__ import annotations

import struct

import msgspec
import pyarrow as pa
import pyarrow.ipc

from handlers.client_tables import TextColumn
from handlers.prediction import Prediction, Reasons
from server.problems import Fault, Kind, Problem

#: Cells that a body of a given size may stand for; columns of nothing but gaps cost the sender no bytes.
CELLS_PER_BYTE, FREE_CELLS = 4, 1_000_000
ROWS_AT_ONCE = 1_024
"""So many clients' reasons are objects of Python at once."""
BATCHES_AT_ONCE = 256
_DICTIONARY, _RECORDS = 2, 3


def read_stream(content: bytes, *, features: int) -> pa.Table:
    """The table of an Arrow stream, its buffers validated. Raises Problem."""
    try:
        reader = pa.ipc.MessageReader.open_stream(content)
        for message in reader:
            if _is_compressed(bytes(message.metadata)):
                detail = "Compressed record batches are not taken; send them plain, or with Content-Encoding: gzip."
                raise Problem(Kind.UNSUPPORTED_TYPE, detail)
        with pa.ipc.open_stream(content) as stream:
            table = _whole(stream, CELLS_PER_BYTE * len(content) + FREE_CELLS)
        names = table.column_names
    except (pa.ArrowException, ValueError, OSError, EOFError, struct.error, IndexError) as error:
        raise Problem(Kind.MALFORMED, "The body is not an Arrow stream.", [Fault("body", str(error)[:200])]) from error
    if table.num_rows * max(features, len(names)) > CELLS_PER_BYTE * len(content) + FREE_CELLS:
        raise Problem(Kind.TOO_LARGE, "The table has more cells than a body of its size may stand for.")
    return table


def _whole(stream: pa.RecordBatchStreamReader, most: int) -> pa.Table:
    """All batches, validated. Of very many, some at a time become one: to free all at once would hold up everybody.

    ``most``: texts that the dictionaries of all batches may have together; each batch refers to one, and it is looked
    through for each. Raises Problem, and what pyarrow raises.
    """
    parts: list[pa.Table] = []
    batches: list[pa.RecordBatch] = []
    texts = 0
    for batch in stream:
        batch.validate()  # lengths, at first
        texts += sum(len(column.dictionary) for column in batch.columns if isinstance(column, pa.DictionaryArray))
        if texts > most:
            raise Problem(Kind.TOO_LARGE, "The dictionaries of its record batches are too large: send fewer batches.")
        batches.append(batch)
        if len(batches) == BATCHES_AT_ONCE:
            parts.append(_combined(_validated(batches, stream.schema)))
            batches = []
    return pa.concat_tables([*parts, _validated(batches, stream.schema)])


def _combined(table: pa.Table) -> pa.Table:
    """Dictionaries that have no room for each other's texts, and those of lists, cannot become one."""
    try:
        return table.combine_chunks()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return table


def _validated(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    table = pa.Table.from_batches(batches, schema)
    table.validate(full=True)
    return table


def write_stream(prediction: Prediction) -> bytes:
    """Columns id, probability, prediction, and reasons where they were asked for; the rest is schema metadata."""
    ids = prediction.ids
    columns = {
        "id": ids.texts if isinstance(ids, TextColumn) else pa.array(ids[:], pa.string()),
        "probability": pa.array(prediction.probabilities, pa.float64()),
        "prediction": pa.array(prediction.predictions, pa.int8()),
    }
    if prediction.reasons is not None:
        columns["reasons"] = _reasons(prediction.reasons)
    table = pa.table(columns).replace_schema_metadata(
        {
            "model_version": str(prediction.model_version),
            "served_by": prediction.served_by,
            "threshold": repr(prediction.threshold),
            "warnings": msgspec.json.encode(prediction.warnings),
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def _reasons(reasons: Reasons) -> pa.Array:
    kind = pa.list_(
        pa.struct([("columns", pa.list_(pa.string())), ("values", pa.list_(pa.string())), ("effect", pa.float64())])
    )
    parts = [pa.array([], kind)]
    for start in range(0, len(reasons), ROWS_AT_ONCE):
        some = [
            [
                {
                    "columns": reason.columns,
                    "values": [None if value is None else str(value) for value in reason.values],
                    "effect": reason.effect,
                }
                for reason in each
            ]
            for each in reasons[start : start + ROWS_AT_ONCE]
        ]
        parts.append(pa.array(some, kind))
    return pa.concat_arrays(parts)


def _is_compressed(metadata: bytes) -> bool:
    """Whether a message's buffers are compressed, read from its flatbuffer (Arrow's Message.fbs).

    pyarrow would unpack them to whatever size they claim.
    """
    message = struct.unpack_from("<I", metadata)[0]
    kind_at, header_at = _field(metadata, message, 1), _field(metadata, message, 2)
    if not kind_at or not header_at or metadata[kind_at] not in (_DICTIONARY, _RECORDS):
        return False
    batch = _follow(metadata, header_at)
    if metadata[kind_at] == _DICTIONARY:
        data_at = _field(metadata, batch, 1)
        if not data_at:
            return False
        batch = _follow(metadata, data_at)
    return bool(_field(metadata, batch, 3))


def _field(buffer: bytes, table: int, index: int) -> int:
    """Where a table's field is, 0 where it is absent."""
    vtable = table - struct.unpack_from("<i", buffer, table)[0]
    size = struct.unpack_from("<H", buffer, vtable)[0]
    entry = 4 + 2 * index
    if entry + 2 > size:
        return 0
    offset = struct.unpack_from("<H", buffer, vtable + entry)[0]
    return table + offset if offset else 0


def _follow(buffer: bytes, at: int) -> int:
    return at + int(struct.unpack_from("<I", buffer, at)[0])
