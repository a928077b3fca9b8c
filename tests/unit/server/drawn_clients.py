"""Tables of clients as hypothesis draws them, and as a client may send them: JSON, CSV, Arrow."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.ipc
from hypothesis import strategies as st

ID, NUMBERS, WORDS = "corporation", ("activity", "seats", "never"), ("plan", "code")
KNOWN = {"plan": ("basic", "gold", "trial", "1.0"), "code": ("1", "12", "-7", "007")}
GAPS = ("", " ", "NA", "nan")
BLANKS = (None, "", " ", "\u2003\n")
ODD = ("", " ", "\ufeff", "\r", "\r\n", '"', "'", ",;\t|", "\x1a", "\u200b", "NA", "null", "nan", "true", "e\u0301")

Cell = float | str | None

#: A NUL is in no CSV, and a half of a character in no Unicode.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
floats = st.floats(allow_nan=False, allow_infinity=False)
singles = st.floats(allow_nan=False, allow_infinity=False, width=32)
NUMERIC: Mapping[pa.DataType, st.SearchStrategy[float]] = {
    pa.float64(): floats | st.sampled_from([-1.7e308, 5e-324, -0.0, 1e16, 99.5]),
    pa.float32(): singles,
    pa.int8(): st.integers(-128, 127),
    pa.int64(): st.integers(-(2**63), 2**63 - 1) | st.integers(0, 300),
    pa.uint64(): st.integers(0, 2**64 - 1),
}
_INTEGER = re.compile("0|-?[1-9][0-9]*", re.ASCII)
TEXTUAL = (pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string()), pa.int64())


@dataclass(frozen=True, slots=True)
class Drawn:
    """Rows of an id, numbers and words, None for missing, and how else they are written.

    ``kinds``: of the columns in Arrow, which comes in so many ``batches``; ``gap``: how a CSV says that a number is
    missing, and Arrow where it can; ``blank``: what stands for a missing word.
    """

    rows: list[dict[str, Cell]]
    kinds: Mapping[str, pa.DataType]
    batches: int
    gap: str
    blank: str | None

    def frame(self) -> pd.DataFrame:
        """What an estimator is given: missing as it was in training."""
        columns = {name: pd.Series(self._column(name), dtype="float64") for name in NUMBERS}
        columns |= {name: pd.Series(self._column(name), dtype=object) for name in WORDS}
        return pd.DataFrame(columns)

    def json(self) -> bytes:
        """A gap is null."""
        return json.dumps({"clients": self.rows}).encode()

    def loose_json(self) -> bytes:
        """A gap is no key, or blank text; words that are integers are written as such."""
        clients = [{name: self._loosely(name, value) for name, value in row.items()} for row in self.rows]
        kept = [{name: value for name, value in client.items() if value is not None} for client in clients]
        said = [short if len(short) > 1 else whole for short, whole in zip(kept, clients, strict=True)]
        return json.dumps({"clients": said}).encode()

    def csv(self) -> bytes:
        """Numbers as Python writes them; a gap is an empty field, or what else says so."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")  # with these, a lone CR is quoted, too
        writer.writerow(self.rows[0])
        missing = dict.fromkeys(NUMBERS, self.gap) | dict.fromkeys(WORDS, self.blank or "")
        for row in self.rows:
            writer.writerow(missing[name] if value is None else value for name, value in row.items())
        return text.getvalue().encode()

    def arrow(self) -> bytes:
        """A stream; a gap is null, NaN, or blank text."""
        columns = {ID: pa.array(self._column(ID))} | {name: self._array(name) for name in self.kinds}
        table = pa.table(columns)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=-(-len(self.rows) // self.batches))
        return bytes(sink.getvalue())

    def _column(self, name: str) -> list[Cell]:
        return [row[name] for row in self.rows]

    def _array(self, name: str) -> pa.Array:
        values, kind = self._column(name), self.kinds[name]
        if name in NUMBERS:
            gap = math.nan if self.gap == "nan" and pa.types.is_floating(kind) else None
            return pa.array([gap if value is None else value for value in values], kind)
        if pa.types.is_integer(kind):
            return pa.array([None if value is None else int(value) for value in values], kind)
        return pa.array([self.blank if value is None else value for value in values]).cast(kind)

    def _loosely(self, name: str, value: Cell) -> Cell:
        if name not in WORDS:
            return value
        return self.blank if value is None else int(value) if _INTEGER.fullmatch(str(value)) else value


@st.composite
def tables(draw: st.DrawFn) -> Drawn:
    """Draw a table: each column of one Arrow type, with gaps, words that nobody knows, and numbers without measure."""
    kinds: dict[str, pa.DataType] = {name: draw(st.sampled_from(list(NUMERIC))) for name in NUMBERS}
    kinds |= {name: draw(st.sampled_from(TEXTUAL)) for name in WORDS}
    cells = [st.none() | (NUMERIC[kind] if name in NUMBERS else _words(name, kind)) for name, kind in kinds.items()]
    row = st.tuples(st.integers(0, 10**6).map("c{}".format), *cells)
    rows = draw(st.lists(row.map(lambda values: dict(zip((ID, *kinds), values, strict=True))), min_size=1, max_size=8))
    gap, blank = draw(st.sampled_from(GAPS)), draw(st.sampled_from(BLANKS))
    return Drawn(rows, kinds, draw(st.integers(1, 3)), gap, blank)


def _words(name: str, kind: pa.DataType) -> st.SearchStrategy[Cell]:
    digits = st.integers(-(2**63), 2**63 - 1).map(str) | st.sampled_from(["1", "12", "-7"])
    if pa.types.is_integer(kind):
        return digits
    known = st.sampled_from(KNOWN[name])
    odd = st.builds("{}{}{}".format, st.sampled_from(ODD), known, st.sampled_from(ODD))
    return known | digits | odd | st.sampled_from(ODD).filter(str.strip) | texts.filter(str.strip)
