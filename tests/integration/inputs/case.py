"""A case of the table of inputs: how the file is made, what must become of it, and what did become of it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from handlers.domain.files import FileRecord, FileState
from tests.workshop import Workshop

HEADER = b"corporation,visits,spend,plan,exited\n"
KNOWN = HEADER + b"a,1,1.5,basic,1\nb,2,2.5,extra,0\nc,3,3.5,basic,0\n"
"""The file that comes first and teaches the schema: an id, an integer, a number, a category, two labels."""
GOOD = HEADER + b"k0,10,0.5,basic,1\nk1,11,1.5,extra,0\nk2,,,,\nk3,13,3.5,basic,0\nk4,14,4.5,extra,1\n"
GOOD_ROWS = (
    ("k0", 10, 0.5, "basic", 1),
    ("k1", 11, 1.5, "extra", 0),
    ("k2", None, None, None, None),
    ("k3", 13, 3.5, "basic", 0),
    ("k4", 14, 4.5, "extra", 1),
)

STAYED = "was learned to mean that a client stayed"

Fault = tuple[int, str, str, str]
"""A row set aside: line, column, code, value."""
Rows = Sequence[tuple[object, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One file. ``row``: the row of docs/inputs.md that it is an example of, by its anchor.

    ``before``: files that come earlier; ``settings``: sections of the configuration; ``rows``: what the file adds to
    the data set; ``notes``: words of each of its notes, in order; ``lines``: the lines that a refusal names;
    ``replaces``: how many earlier rows it takes the place of.
    """

    row: str
    content: bytes
    name: str = "drop.csv"
    before: tuple[bytes, ...] = (KNOWN,)
    settings: Mapping[str, Any] = field(default_factory=dict)
    state: FileState = FileState.INGESTED
    code: str = ""
    says: str = ""
    lines: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    rows: Rows = ()
    rejected: tuple[Fault, ...] = ()
    duplicates: int = 0
    replaces: int = 0

    @property
    def outcome(self) -> str:
        """What happens to the file, in the words of docs/inputs.md."""
        if self.state is FileState.QUARANTINED:
            return "refused"
        if self.state not in (FileState.INGESTED, FileState.WAITING):
            return str(self.state)
        if self.rejected:
            return "row set aside"
        # Every first file of a workspace has the note that it taught the second label.
        taught = (STAYED,) if not self.before else ()
        return "accepted with a note" if set(self.notes).difference(taught) else "accepted"

    @property
    def promise(self) -> Promise:
        """With the codes that the file's record or its rejected rows carry."""
        faults = frozenset(code for _, _, code, _ in self.rejected)
        return Promise(self.row, self.outcome, faults | ({self.code} if self.code else set()), self.notes)


@dataclass(frozen=True, slots=True)
class Promise:
    """What a test holds of a row of docs/inputs.md: what happens, the codes and the notes that the sender reads."""

    row: str
    outcome: str
    codes: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


PROMISES: list[Promise] = []
"""The promises of the tests that are no cases of bytes, in the modules that have been imported."""

Test = TypeVar("Test", bound=Callable[..., None])


def shows(row: str, outcome: str, *codes: str) -> Callable[[Test], Test]:
    """Say of which row of docs/inputs.md a test is an example."""
    PROMISES.append(Promise(row, outcome, frozenset(codes)))
    return lambda test: test


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a file."""

    record: FileRecord
    rows: Rows
    rejected: tuple[Fault, ...]
    quarantined: tuple[bytes, ...]


def good(content: bytes, *, row: str, notes: tuple[str, ...] = (), name: str = "drop.csv") -> Case:
    """A file that holds the rows of ``GOOD``, written in another way."""
    return Case(row=row, content=content, rows=GOOD_ROWS, notes=notes, name=name)


def refused(content: bytes, *, row: str, code: str, says: str = "", lines: tuple[int, ...] = ()) -> Case:
    """A file that is refused whole after ``KNOWN`` was taken."""
    return Case(row=row, content=content, state=FileState.QUARANTINED, code=code, says=says, lines=lines)


def with_faults(line: bytes, *, row: str, fault: tuple[str, str, str]) -> Case:
    """A file of ``GOOD`` and one line that is set aside. ``fault``: column, code, value."""
    return Case(row=row, content=GOOD + line + b"\n", rows=GOOD_ROWS, rejected=((7, *fault),))


def take(case: Case, root: Path) -> Seen:
    """Take a case's files, one after the other, in a workspace of their own."""
    shop = Workshop(root, **case.settings)
    for number, content in enumerate(case.before):
        name = f"before-{number}.csv"
        (shop.workspace.source / name).write_bytes(content)
        (record,) = shop.ingest(name)
        assert record.state in (FileState.INGESTED, FileState.WAITING), record
    there = len(shop.rows()) if case.before else 0
    (shop.workspace.source / case.name).write_bytes(case.content)
    (record,) = shop.ingest(case.name)
    rows = shop.rows()[there - case.replaces :] if shop.schema().columns else []
    return Seen(record, rows, _rejected(shop, record), _quarantined(shop, record))


def _rejected(shop: Workshop, record: FileRecord) -> tuple[Fault, ...]:
    """What the sender reads of the rows that were set aside."""
    found: list[Fault] = []
    for path in shop.workspace.rejected.glob(f"{record.sha256}-*.csv"):
        with path.open(newline="") as stream:
            lines = csv.reader(stream)
            assert next(lines) == ["line", "column", "code", "value"]
            found += [(int(line), column, code, value) for line, column, code, value in lines]
    return tuple(found)


def _quarantined(shop: Workshop, record: FileRecord) -> tuple[bytes, ...]:
    """The copies of a refused file, without the reasons beside them."""
    copies = shop.workspace.quarantine.glob(f"{record.sha256}-*")
    return tuple(path.read_bytes() for path in copies if not path.name.endswith(".reason.json"))
