"""How a text is laid out as a table: where its lines end, what separates its cells, whether its quotes are sound."""

from __future__ import annotations

import csv
import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from handlers.domain.files import Reason

DELIMITERS = (",", ";", "\t", "|")
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
QUOTE, LINE_FEED, CARRIAGE_RETURN = ord('"'), ord("\n"), ord("\r")
#: How many bytes are looked through for quotes at once. It bounds what their positions cost.
SLICE = 1 << 20
#: What a spreadsheet writes, and reads, as the first line of a file: not a header, but what separates the cells.
_SAID = re.compile(r'"?sep=(.)"?[ \t]*[\r\n]*', re.IGNORECASE)

Positions = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LineEnds:
    """Where records end: ``ends`` holds the position after each line end that is outside quotes.

    ``lines`` holds the physical line (from 1) at which each record begins; its last entry belongs to what follows
    the last line end.
    """

    ends: Positions
    lines: Positions


def line_ends(data: bytes | memoryview) -> LineEnds:
    """Find the records of a text. A line ends with LF, CR LF or a CR alone; line ends inside quotes do not count."""
    cells = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(cells == LINE_FEED)
    returns = np.flatnonzero(cells == CARRIAGE_RETURN)
    if len(returns):
        followed = np.append(cells[1:], np.uint8(0))[returns] == LINE_FEED
        ends = np.sort(np.concatenate((ends, returns[~followed])))
    numbers = np.arange(2, len(ends) + 2, dtype=np.int64)
    quotes = np.flatnonzero(cells == QUOTE)
    if len(quotes):
        outside = np.searchsorted(quotes, ends) % 2 == 0
        ends, numbers = ends[outside], numbers[outside]
    return LineEnds(ends + 1, np.concatenate((np.ones(1, np.int64), numbers)))


def line_breaks(cells: Bytes) -> int:
    """How many lines end in a text, inside quotes or not: each LF, each CR LF and each CR alone is one."""
    feeds = np.count_nonzero(cells == LINE_FEED)
    returns = cells == CARRIAGE_RETURN
    alone = np.count_nonzero(returns)
    if alone:
        alone -= np.count_nonzero(returns[:-1] & (cells[1:] == LINE_FEED))
    return int(feeds + alone)


def unsound_quote(data: bytes | memoryview, delimiter: str) -> int | None:
    """Return the position of the first quote that neither opens, closes nor doubles, or None if all are sound.

    Counted from the start, each odd quote opens and must follow a delimiter, a line end or (doubled) a quote; each
    even one closes and must precede one. A quote that is never closed is given as well.
    """
    cells = np.frombuffer(data, np.uint8)
    allowed = np.zeros(256, bool)
    allowed[[QUOTE, LINE_FEED, CARRIAGE_RETURN, ord(delimiter)]] = True
    seen, last = 0, 0
    for start in range(0, len(cells), SLICE):
        quotes = np.flatnonzero(cells[start : start + SLICE] == QUOTE) + start
        if not len(quotes):
            continue
        opening, closing = quotes[seen % 2 :: 2], quotes[1 - seen % 2 :: 2]
        # A quote right before an opening one is the closing one before it: the two are a doubled quote.
        alone = opening[~allowed[cells[opening - 1]]]
        inside = closing[~allowed[cells[np.minimum(closing + 1, len(cells) - 1)]]]
        # The text begins where a line begins.
        wrong = np.concatenate((alone[alone > 0], inside))
        if len(wrong):
            return int(wrong.min())
        seen, last = seen + len(quotes), int(quotes[-1])
    return last if seen % 2 else None


def said_delimiter(record: str) -> str | None:
    """Return what a first line like ``sep=;`` says, None if it is none."""
    said = _SAID.fullmatch(record)
    return said.group(1) if said else None


def delimiters_in(header: str) -> tuple[str, ...]:
    """Return what may separate the cells of a header record."""
    return tuple(delimiter for delimiter in DELIMITERS if delimiter in header)


def delimiter_of(header: str, sample: list[str], known: AbstractSet[str]) -> str | Reason:
    """Choose what separates the cells of a header record, by the names that are expected and by the first rows.

    ``sample``: the first data records; ``known``: column names that may be expected. A header without any
    delimiter is a table of one column.
    """
    ranks: dict[str, tuple[int, int]] = {}
    for delimiter in delimiters_in(header):
        names = split(header, delimiter)
        if len(names) > 1:
            found = sum(name.strip().casefold() in known for name in names)
            agreeing = sum(len(split(row, delimiter)) == len(names) for row in sample)
            ranks[delimiter] = (found, agreeing)
    if not ranks:
        return ","
    best = max(ranks.values())
    chosen = [delimiter for delimiter, rank in ranks.items() if rank == best]
    if len(chosen) > 1:
        what = " or ".join(DELIMITER_NAMES[delimiter] for delimiter in chosen)
        return Reason("delimiter", f"The header does not say what separates its cells: {what}.", "Use commas.", (1,))
    return chosen[0]


def split(record: str, delimiter: str) -> list[str]:
    """Return the cells of one record, or none where a cell is longer than the csv module takes (128 KiB)."""
    try:
        rows = list(csv.reader([record], delimiter=delimiter))
    except csv.Error:
        return []
    return rows[0] if rows else []
