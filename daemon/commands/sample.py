"""The first rows of somebody's own CSV file, for guessing what its columns mean."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

from handlers.decoding import decode
from handlers.domain.file_kinds import WIDE_BOMS
from handlers.domain.files import Reason
from handlers.domain.gzip_members import GZIP_MAGIC
from handlers.domain.limits import Limits
from handlers.parsing import TextTable, parse
from handlers.storage.inbox import Content

ROWS = 2_000
#: What is read of a larger file. It bounds the memory, and holds ROWS rows of up to 32 KB.
BYTES = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Sample:
    """Text cells, "" where a cell is blank; ``notes`` say how the file was read."""

    header: tuple[str, ...]
    rows: list[list[str]]
    notes: tuple[str, ...]


def read_sample(path: Path) -> Sample | Reason:
    """Read the first rows as a drop would be read: compression, character set and delimiter are found out.

    Raises OSError where the file cannot be read.
    """
    limits = Limits()
    try:
        content = _beginning(path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        return Reason("gzip_damaged", f"The gzip file cannot be unpacked: {error}.", "Pack it again.")
    text = decode(Content.of(content), limits)
    if isinstance(text, Reason):
        return text
    table = parse(text, known=frozenset(), limits=limits, max_rows=ROWS)
    if isinstance(table, Reason):
        return table
    return Sample(table.names, _rows(table), text.notes + table.notes)


def _beginning(path: Path) -> bytes:
    """The first bytes, unpacked; what is longer is cut after a line, so that no character is cut."""
    with path.open("rb") as file:
        packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        source = gzip.GzipFile(fileobj=file) if packed else file
        content = source.read(BYTES + 1)
    if len(content) <= BYTES or content.startswith(tuple(mark for mark, _ in WIDE_BOMS)):
        return content[: BYTES if len(content) > BYTES else None]
    return content[: max(content.rfind(b"\n"), content.rfind(b"\r")) + 1] or content


def _rows(table: TextTable) -> list[list[str]]:
    cells = [["" if cell is None else cell for cell in column.to_pylist()] for column in table.columns]
    return [list(row) for row in zip(*cells, strict=True)]
