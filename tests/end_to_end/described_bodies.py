"""What schemathesis sends where a JSON Schema cannot say it: CSV, Arrow, packed files, and the path of a CSV.

It is loaded by the run of ``test_schemathesis.py`` (``hooks`` in ``schemathesis.toml``).
"""

from __future__ import annotations

import gzip
import io
import os
import re
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import schemathesis
from hypothesis import strategies as st

COLUMNS = ("corporation", "tenure", "contract", "seats")
CELL = st.one_of(st.none(), st.integers(-1000, 1000))
CLIENT = st.fixed_dictionaries(
    {
        "corporation": st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8),
        "tenure": CELL,
        "contract": st.sampled_from(["monthly", "yearly", "other", None]),
        "seats": CELL,
    }
)
CLIENTS = st.lists(CLIENT, min_size=1, max_size=5)
SCHEMA = pa.schema(
    [("corporation", pa.string()), ("tenure", pa.float64()), ("contract", pa.string()), ("seats", pa.int64())]
)


def as_csv(clients: list[dict[str, object]]) -> bytes:
    """The clients as a CSV with a header."""
    lines = [",".join("" if one[name] is None else str(one[name]) for name in COLUMNS) for one in clients]
    return "\n".join([",".join(COLUMNS), *lines, ""]).encode()


def as_arrow(clients: list[dict[str, object]]) -> bytes:
    """The clients as an Arrow stream."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, SCHEMA) as writer:
        writer.write_table(pa.Table.from_pylist(clients, SCHEMA))
    return sink.getvalue()


def packed(content: bytes) -> bytes:
    """The same, packed in the same way each time."""
    return gzip.compress(content, mtime=0)


schemathesis.openapi.media_type("text/csv", CLIENTS.map(as_csv))
schemathesis.openapi.media_type("application/vnd.apache.arrow.stream", CLIENTS.map(as_arrow))
schemathesis.openapi.media_type("application/gzip", CLIENTS.map(as_csv).map(packed))
schemathesis.openapi.media_type("application/octet-stream", st.binary())
schemathesis.openapi.format(
    "dataset-path", st.sampled_from(["testdata/testdata.csv", "testdata/none.csv", "./testdata/testdata.csv"])
)

REFUSED = "ATTRITIOND_TEST_REFUSED"
"""The environment variable with the beginning of the SHA-256 of a file that was refused: nobody could guess one."""


@schemathesis.hook
def map_path_parameters(context: schemathesis.HookContext, path_parameters: dict[str, Any] | None) -> Any:
    """Where any beginning of a hash would do, ask for a file that is there."""
    refused = os.environ.get(REFUSED)
    given = (path_parameters or {}).get("sha256")
    if refused and isinstance(given, str) and re.fullmatch("[0-9A-Fa-f]{4,64}", given) and given[0] in "01234567":
        return {**(path_parameters or {}), "sha256": refused}
    return path_parameters
