"""The beginning of a text as that of a table: what separates its cells, its column names, where its rows begin."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from handlers.domain.dialect import (
    DELIMITER_NAMES,
    DELIMITERS,
    QUOTE,
    LineEnds,
    delimiter_of,
    delimiters_in,
    line_breaks,
    line_ends,
    said_delimiter,
    split,
    unsound_quote,
)
from handlers.domain.files import Reason
from handlers.domain.limits import Limits

SAMPLE_ROWS = 5
#: A record longer than this is not looked at when the delimiter is chosen.
SAMPLE_BYTES = 100_000
#: How much of what follows the header is looked at for those records.
SAMPLE_SPAN = SAMPLE_ROWS * SAMPLE_BYTES
#: The longest record, line breaks inside quotes included; more where cells may be longer.
RECORD_BYTES = 16 << 20
#: Anything but what a blank line may hold.
_TEXT = re.compile(rb"[^ \t\r\n\v\f]")


@dataclass(frozen=True, slots=True)
class Head:
    """How a text begins.

    ``names``: of the columns, stripped; ``start``: where its first row begins, in bytes of UTF-8; ``line``: the
    physical line of that; ``notes``: what was guessed.
    """

    names: tuple[str, ...]
    delimiter: str
    start: int
    line: int
    notes: tuple[str, ...]


def record_limit(limits: Limits) -> int:
    """The longest record that is read, in bytes."""
    return max(RECORD_BYTES, 2 * limits.max_field_bytes)


def find_head(data: bytes, known: AbstractSet[str], limits: Limits, *, whole: bool) -> Head | Reason | None:
    """Read the header from the first bytes of a text, or return None where more of them are needed.

    ``whole``: these are all; ``known``: case-folded column names that may be expected, which help find the delimiter.
    """
    text = _Beginning(data, line_ends(data), whole)
    number = text.filled_from(0)
    said = None
    if number is not None:
        said = said_delimiter(text.record(number))
        number = text.filled_from(number + 1) if said is not None else number
    if number is None or not text.suffices_for(number):
        if not whole and len(data) <= record_limit(limits):
            return None
        if number is None or number >= len(text.layout.ends):
            return _no_header(data, 1, limits)
    return _head(text, number, said, known, limits)


def quote_refusal(line: int) -> Reason:
    """Why a text is refused whose quote in a physical line is not sound."""
    what = f"A quotation mark in line {line} is never closed, or stands inside a cell that is not quoted."
    return Reason("quotes", what, "Put the cell in quotes and double each quotation mark inside it.", (line,))


def oversized(record: bytes | memoryview, delimiters: str, line: int, limits: Limits) -> Reason:
    """Why a text is refused in which a record, given as far as it was read, is beyond the limit. ``line``: its line."""
    cells = np.frombuffer(record, np.uint8)
    quotes = np.flatnonzero(cells == QUOTE)
    if len(quotes) % 2:
        return quote_refusal(line + line_breaks(cells[: quotes[-1]]))
    between = np.flatnonzero(np.isin(cells, np.frombuffer(delimiters.encode(), np.uint8)))
    if np.diff(between, prepend=-1, append=len(cells)).max() > limits.max_field_bytes:
        what = f"Line {line} has a cell of more than {limits.max_field_bytes} bytes."
        return Reason("field_too_large", what, "Leave such texts out.", (line,))
    what = f"The row in line {line} has more than {len(cells)} bytes."
    return Reason("row_too_large", what, "Send only the columns that are needed, each row in its own line.", (line,))


@dataclass(frozen=True, slots=True)
class _Beginning:
    data: bytes
    layout: LineEnds
    whole: bool

    @property
    def records(self) -> int:
        """How many records are complete."""
        return len(self.layout.ends) + self.whole

    def start(self, number: int) -> int:
        return int(self.layout.ends[number - 1]) if number else 0

    def raw(self, number: int) -> bytes:
        end = int(self.layout.ends[number]) if number < len(self.layout.ends) else len(self.data)
        return self.data[self.start(number) : end]

    def record(self, number: int) -> str:
        return self.raw(number).decode()

    def filled_from(self, number: int) -> int | None:
        """The first complete record from a number on that is not blank."""
        if number >= self.records:
            return None
        text = _TEXT.search(self.data, self.start(number))
        at = int(np.searchsorted(self.layout.ends, text.start(), side="right")) if text else self.records
        return at if at < self.records else None

    def suffices_for(self, header: int) -> bool:
        """Whether the records after the header that are looked at are there."""
        if self.whole or header >= len(self.layout.ends):
            return self.whole
        return self.records > header + SAMPLE_ROWS or len(self.data) >= self.start(header + 1) + SAMPLE_SPAN


def _no_header(data: bytes, line: int, limits: Limits) -> Reason:
    if len(data) > record_limit(limits) and data.strip():
        return oversized(data, "".join(DELIMITERS), line, limits)
    return _unreadable(line)


def _unreadable(line: int) -> Reason:
    what = "The first line cannot be read as column names."
    return Reason("header", what, "Begin with a line of column names.", (line,))


def _head(text: _Beginning, number: int, said: str | None, known: AbstractSet[str], limits: Limits) -> Head | Reason:
    record, line = text.record(number), int(text.layout.lines[number])
    delimiter = said or _delimiter(text, number, known)
    if isinstance(delimiter, Reason):
        return delimiter
    if delimiter not in DELIMITERS:
        what = f"The first line says that cells are separated by {delimiter!r}, which is not possible."
        return Reason("delimiter", what, "Separate them by commas.", (1,))
    raw = split(record.rstrip("\r\n"), delimiter)
    if not raw:
        return _unreadable(line)
    if len(raw) > limits.max_columns:
        what = f"The file has {len(raw)} columns; {limits.max_columns} are allowed."
        return Reason("too_many_columns", what, "Send only the columns that are needed.", (line,))
    quote = unsound_quote(text.raw(number), delimiter) if '"' in record else None
    if quote is not None:
        return quote_refusal(line + line_breaks(np.frombuffer(text.raw(number)[:quote], np.uint8)))
    names = tuple(name.strip() for name in raw)
    following = number < len(text.layout.ends)
    start = text.start(number + 1) if following else len(text.data)
    first = int(text.layout.lines[number + 1]) if following else line + 1
    return Head(names, delimiter, start, first, _notes(tuple(raw), delimiter, said))


def _delimiter(text: _Beginning, number: int, known: AbstractSet[str]) -> str | Reason:
    header, sample = text.record(number), []
    if len(delimiters_in(header)) > 1:
        after = range(number + 1, min(number + 1 + SAMPLE_ROWS, text.records))
        sample = [text.record(at) for at in after if text.raw(at).strip() and len(text.raw(at)) < SAMPLE_BYTES]
    return delimiter_of(header, sample, known)


def _notes(raw: tuple[str, ...], delimiter: str, said: str | None) -> tuple[str, ...]:
    notes = []
    if said is not None:
        notes.append(f"The cells are separated by a {DELIMITER_NAMES[delimiter]}, as the first line (sep=) says.")
    elif delimiter != ",":
        notes.append(f"The cells are separated by a {DELIMITER_NAMES[delimiter]}.")
    if any(name != name.strip() for name in raw):
        notes.append("Spaces around column names were removed.")
    return tuple(notes)
