"""The slow reader's first half: bytes to a header and records, one character after the other.

Written after docs/inputs.md, without the program's own readers: what both agree on is probably right.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

DELIMITERS = ",;\t|"
SAMPLE_ROWS = 5
BLANK = " \t\r\n\v\f"
WIDE = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
#: How files begin that are something else; those that hold NUL bytes near their beginning need not be listed.
OTHERS = (b"%PDF-", b"GIF87a", b"GIF89a", b"\xff\xd8\xff", b"\x89PNG\r\n", b"BZh91AY&SY", b"{\\rtf", b"Rar!\x1a\x07")
MARKUP = re.compile(
    r'\s*(<(!doctype|html|head|body|table|script|meta|\?xml|svg)\b|<!--|\{\s*["}]|\[\s*["\[\]{]|%PDF-)', re.I
)


class Refused(Exception):
    """The file is refused whole; the message says why, for whoever reads a disagreement."""


@dataclass(frozen=True, slots=True)
class Record:
    """``cells``: without their quotes; ``line``: the physical line at which it begins; ``text``: as it was written."""

    line: int
    cells: list[str]
    text: str
    ended: bool

    @property
    def blank(self) -> bool:
        return not self.text.strip(BLANK)


@dataclass(slots=True)
class Table:
    """A file cut into records, the header and blank lines left out. ``names``: stripped."""

    names: list[str]
    records: list[Record] = field(default_factory=list)


def to_text(content: bytes) -> str:
    """Decode a file. Raises Refused."""
    if content[:2] == b"\x1f\x8b":
        content = _unpacked(content)
    if content.startswith(OTHERS):
        raise Refused("another kind of file")
    encoding = next((name for mark, name in WIDE if content.startswith(mark)), None)
    text = _strictly(content, encoding) if encoding else _narrow(content.removeprefix(b"\xef\xbb\xbf"))
    if "\0" in text:
        raise Refused("NUL")
    if MARKUP.match(text):
        raise Refused("HTML or JSON")
    if not text.strip(BLANK):
        raise Refused("empty")
    return text


def _unpacked(content: bytes) -> bytes:
    """All members of a gzip file; zeros may follow them. (The gzip module overlooks unknown flags.)"""
    whole = b""
    while content.strip(b"\0"):
        member = zlib.decompressobj(wbits=31)
        try:
            whole += member.decompress(content)
        except zlib.error as error:
            raise Refused(f"gzip: {error}") from error
        if not member.eof:
            raise Refused("gzip: cut off")
        content = member.unused_data
    return whole


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Refused(f"not {encoding}: {error}") from error


def _narrow(content: bytes) -> str:
    content = content.removesuffix(b"\x1a")
    if 0 in content:
        raise Refused("NUL")
    try:
        return content.decode()
    except UnicodeDecodeError:
        pass
    if any(byte < 32 and byte not in (9, 10, 11, 12, 13, 26, 27) for byte in content):
        raise Refused("control characters")
    if not content.decode("utf-8", "ignore").isascii():
        raise Refused("a mixture of encodings")
    undefined = any(byte in content for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D))
    return content.decode("latin-1" if undefined else "cp1252")


def to_table(text: str, known: set[str]) -> Table:
    """Cut a text into records. ``known``: the case-folded names of columns that may be expected. Raises Refused."""
    parts = [part for part in _parts(text) if part[0].strip(BLANK)]
    said = re.fullmatch(r'"?sep=(.)"?[ \t]*[\r\n]*', parts[0][0], re.IGNORECASE)
    if said:
        del parts[0]
        if said[1] not in DELIMITERS:
            raise Refused("sep= with another character")
    if not parts:
        raise Refused("no header")
    header, line, place = parts[0]
    after = place + len(header)
    following = [part for part, _, _ in _some_parts(text, after)]
    delimiter = said[1] if said else _delimiter(header, [part for part in following if part.strip(BLANK)], known)
    names = _cells(header, delimiter)
    if not names:
        raise Refused("no header")
    table = Table([name.strip() for name in names])
    line += _breaks(header)
    for part, _, _ in _parts(text[after:]):
        record = Record(line, _cells(part, delimiter), part.rstrip("\r\n") if _ends(part) else part, _ends(part))
        line += _breaks(part)
        table.records.append(record)
    if not text[after:].strip(BLANK):
        raise Refused("no rows")
    return table


def _parts(text: str) -> Iterator[tuple[str, int, int]]:
    """Cut where a line ends outside quotes, counting quotes alone: the part, its line and its place."""
    quoted, start, line, began = False, 0, 1, 1
    place = 0
    while place < len(text):
        character = text[place]
        if character == '"':
            quoted = not quoted
        elif character in "\r\n":
            place += text.startswith("\r\n", place)
            line += 1
            if not quoted:
                yield text[start : place + 1], began, start
                start, began = place + 1, line
        place += 1
    if start < len(text):
        yield text[start:], began, start


def _some_parts(text: str, start: int) -> list[tuple[str, int, int]]:
    found = []
    for part in _parts(text[start:]):
        found.append(part)
        if len(found) == SAMPLE_ROWS:
            break
    return found


def _breaks(part: str) -> int:
    return len(re.findall("\r\n|\r|\n", part))


def _ends(part: str) -> bool:
    return part.endswith(("\r", "\n"))


def _delimiter(header: str, sample: list[str], known: set[str]) -> str:
    """The one with the most known names in the header, then the one that most rows agree with."""
    ranks = {}
    for delimiter in DELIMITERS:
        names = _loosely(header, delimiter)
        if len(names) > 1:
            found = sum(name.strip().casefold() in known for name in names)
            ranks[delimiter] = (found, sum(len(_loosely(row, delimiter)) == len(names) for row in sample))
    if not ranks:
        return ","
    best = [delimiter for delimiter, rank in ranks.items() if rank == max(ranks.values())]
    if len(best) > 1:
        raise Refused("two delimiters")
    return best[0]


def _loosely(record: str, delimiter: str) -> list[str]:
    """Its cells as the csv module cuts them, whose quotes need not be sound."""
    try:
        return next(iter(csv.reader([record], delimiter=delimiter)), [])
    except csv.Error:
        return []


def _cells(record: str, delimiter: str) -> list[str]:
    """Cut one record; raises Refused where a quote neither opens, nor closes, nor doubles."""
    if record.endswith("\r\n"):
        record = record[:-2]
    elif _ends(record):
        record = record[:-1]
    cells, place = [], 0
    while True:
        cell = ""
        if record.startswith('"', place):
            place += 1
            while not record.startswith('"', place) or record.startswith('""', place):
                if place >= len(record):
                    raise Refused("a quote that is never closed")
                cell += record[place]
                place += 2 if record[place] == '"' else 1
            place += 1
        else:
            while place < len(record) and record[place] not in (delimiter, '"'):
                cell += record[place]
                place += 1
        cells.append(cell)
        if place == len(record):
            return cells
        if record[place] != delimiter:
            raise Refused("a quote inside a cell, or text after one")
        place += 1
