"""The text of a file to rows of cells: the same ones wherever it is cut into blocks, each with its physical line."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handlers.cutting import cells
from handlers.cutting.rows import Cut, cut
from handlers.domain.files import Reason, RowFault
from handlers.domain.limits import Limits
from handlers.domain.rejected import RejectedRows, joined
from handlers.parsing import read_head

LIMITS = Limits()
HEADER = b"id,note,left\n"
Cells = tuple[str | None, ...]


@dataclass(frozen=True)
class Read:
    names: tuple[str, ...]
    rows: list[Cells]
    lines: list[int]
    faults: tuple[RowFault, ...]
    trailing: int


def in_pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def read(data: bytes, *, piece: int = 1 << 30, block: int = 1 << 30, limits: Limits = LIMITS) -> Read | Reason:
    head = read_head(in_pieces(data, piece), known={"id"}, limits=limits)
    if isinstance(head, Reason):
        return head
    cuts: list[Cut] = []
    for part in cut(in_pieces(data, piece), head, limits, block_bytes=block):
        if isinstance(part, Reason):
            return part
        assert {len(column) for column in part.columns} == {len(part.lines)}
        assert part.lines.dtype == np.int64
        cuts.append(part)
    rows = [row for part in cuts for row in zip(*(column.to_pylist() for column in part.columns), strict=True)]
    faults = joined([part.faults for part in cuts if part.faults is not None])
    lines = [line for part in cuts for line in part.lines.tolist()]
    return Read(head.names, rows, lines, tuple(RejectedRows([faults])), sum(part.trailing for part in cuts))


def good(data: bytes, *, piece: int = 1 << 30, block: int = 1 << 30) -> Read:
    outcome = read(data, piece=piece, block=block)
    assert isinstance(outcome, Read), outcome
    return outcome


def refused(data: bytes, *, piece: int = 1 << 30, block: int = 1 << 30, limits: Limits = LIMITS) -> Reason:
    outcome = read(data, piece=piece, block=block, limits=limits)
    assert isinstance(outcome, Reason), outcome
    return outcome


CELL = st.sampled_from(
    ["", "a", "1,5", " ", '"b"', '"c,d"', '"e\nf"', '"g\r\nh"', '"i\rj"', '"k""l"', '""', "\ufeffm", "é", "x" * 90]
)
ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", "\n\n", "\n\r\n", "\n  \n"])
RECORD = st.lists(CELL, min_size=3, max_size=3).map(",".join) | st.sampled_from(
    ["id,note,left", ",,", "a", "a,b", "a,b,c,d", '"",,', '""', ',"",""']
)
TEXT = st.lists(st.tuples(RECORD, ENDS), max_size=25).map(lambda lines: "".join(map("".join, lines)))


@settings(deadline=None, max_examples=250)
@given(
    body=TEXT,
    start=st.sampled_from(["", "\n", " \r\n", "sep=,\n", '"sep=,"\r\n']),
    cutoff=st.integers(0, 6),
    noise=st.none() | st.tuples(st.integers(0, 400), st.sampled_from([*',\n\r;"', "\ufeff"])),
    told=st.integers(1, 3),
    piece=st.integers(1, 100),
    block=st.sampled_from([1, 7, 64, 200]),
)
@example(body='a,b,c\n"a\n', start="", cutoff=0, noise=None, told=1, piece=1, block=1)
@example(body=",,\n,,\ra\n\nid,note,left\n", start="", cutoff=0, noise=None, told=1, piece=1, block=1)
@example(body="a,b,c\r\n,,\r\n\r\n,,\r\na,b\r\na,b,c", start="", cutoff=0, noise=None, told=1, piece=3, block=7)
def test_small_blocks_give_what_one_block_gives(
    *, body: str, start: str, cutoff: int, noise: tuple[int, str] | None, told: int, piece: int, block: int
) -> None:
    if noise is not None:
        at, character = noise
        body = body[:at] + character + body[at:]
    characters = start + HEADER.decode() + body
    text = characters[: len(characters) - cutoff].encode()
    whole = read(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "TOLD_ONE_BY_ONE", told)
        assert read(text, piece=piece, block=block) == whole
        assert read(text) == whole


PLAIN_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(PLAIN_CELLS, PLAIN_CELLS), min_size=1, max_size=30),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    block=st.sampled_from([16, 64, 1 << 20]),
)
def test_what_the_csv_module_writes_is_cut_into_its_cells(rows: list[tuple[str, str]], end: str, block: int) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "note", "left"])
    starts, ends = [], 0
    for number, row in enumerate(rows):
        text = file.getvalue()
        starts.append(1 + text.replace("\r\n", "\n").count("\n") + text.replace("\r\n", "").count("\r"))
        writer.writerow([f"i{number}", *row])
        ends = len(text)
    result = good(file.getvalue().encode(), block=block)
    assert ends
    assert result.rows == [(f"i{number}", one or None, other or None) for number, (one, other) in enumerate(rows)]
    assert result.lines == starts
    assert result.faults == ()


def test_rows_without_values_wait_for_one_with_values() -> None:
    body = b"a,b,c\n" + b",,\n" * 50 + b"\nd,e,f\n,,\n,,\n\n,,\n"
    for block in (8, 64, 1 << 20):
        result = good(HEADER + body, block=block)
        assert [row[0] for row in result.rows] == ["a", *[None] * 50, "d"]
        assert result.lines == [*range(2, 53), 54]
        assert result.trailing == 3


def test_a_row_of_tabs_is_a_row_of_delimiters_and_no_blank_line() -> None:
    result = good(b"id\tnote\tleft\na\tb\tc\n\t\t\n\nd\te\tf\n")
    assert [row[0] for row in result.rows] == ["a", None, "d"]
    assert result.lines == [2, 3, 5]


@pytest.mark.parametrize("block", [16, 1 << 20])
def test_rows_of_another_length_and_a_repeated_header_have_their_lines(block: int) -> None:
    body = b'a,"x\ny",1\nb,2\n\n  \nc,3,x,1\nid,note,left\n"d ""d""",4\r\ne,5,1\n'
    result = good(HEADER + body, block=block)
    assert result.faults == (
        RowFault(4, "", "ragged", "b,2"),
        RowFault(7, "", "ragged", "c,3,x,1"),
        RowFault(8, "id", "repeated_header", "id"),
        RowFault(9, "", "ragged", '"d ""d""",4'),
    )
    assert result.lines == [2, 10]


@pytest.mark.parametrize("block", [16, 1 << 20])
@pytest.mark.parametrize(
    ("body", "code", "line"),
    [
        (b"a,b,c\nd,e", "truncated", 3),
        (b'a,"b\nb",c\r\nd', "truncated", 4),
        (b'a,b,c\nd,"e,f\n', "quotes", 3),
        (b'a,b,c\n"d\n\ne"x,f,g\nh,i,j\n', "quotes", 5),
        (b'a,b,c\nd"d,e,f\n', "quotes", 3),
        (b'a,b,c\nd,e, "f"\n', "quotes", 3),
    ],
)
def test_what_ends_too_early_or_has_unsound_quotes_is_refused_with_its_line(
    body: bytes, code: str, line: int, block: int
) -> None:
    reason = refused(HEADER + body, piece=5, block=block)
    assert (reason.code, reason.lines) == (code, (line,))


@pytest.mark.parametrize("body", [b"", b"\n\r\n", b" \t\n", b",,\n,,\n"])
def test_a_header_alone_is_refused(body: bytes) -> None:
    assert refused(HEADER + body, block=8).code == "no_rows"


def test_a_cell_beyond_the_limit_is_refused_wherever_it_stands() -> None:
    limits = Limits(max_field_bytes=20_000)
    rows = b"a,b,c\n" * 10_000
    for long in (b"x" * 20_001, b'"' + b"x\n" * 10_001 + b'"'):
        reason = refused(HEADER + rows + b"d," + long + b",e\n" + rows, limits=limits)
        assert (reason.code, "'note'" in reason.detail) == ("field_too_large", True)
    assert isinstance(read(HEADER + rows + b"d," + b"x" * 20_000 + b",e\n" + rows, limits=limits), Read)


class _Taken:
    """A text without an end, which counts what is taken of it."""

    def __init__(self, start: bytes, rest: bytes) -> None:
        self.start, self.rest, self.bytes = start, rest, 0

    def __iter__(self) -> _Taken:
        return self

    def __next__(self) -> bytes:
        piece = self.rest if self.bytes else self.start + self.rest
        self.bytes += len(piece)
        return piece


@pytest.mark.parametrize(
    ("start", "rest", "code"),
    [
        (b'a,"b,c\n', b"d,e,f\n" * 100_000, "quotes"),
        (b"a,", b"x" * 600_000, "field_too_large"),
        (b"a,b,c", b",x,x,x," * 100_000, "row_too_large"),
    ],
)
def test_what_never_ends_is_refused_before_it_is_all_held(start: bytes, rest: bytes, code: str) -> None:
    text = _Taken(HEADER + b"a,b,c\n" + start, rest)
    head = read_head([HEADER + b"a,b,c\n" * 9_000], known={"id"}, limits=LIMITS)
    assert not isinstance(head, Reason)
    *_, last = cut(text, head, LIMITS)
    assert isinstance(last, Reason)
    assert (last.code, last.lines) == (code, (3,))
    assert text.bytes < 20_000_000


def test_a_header_that_never_ends_is_refused_before_it_is_all_held() -> None:
    for start, rest, code in [
        (b'id,"note,left\n', b"a,b,c\n" * 100_000, "quotes"),
        (b"id,", b"x" * 600_000, "field_too_large"),
        (b"id", b",x" * 300_000, "row_too_large"),
        (b"", b"\n" * 600_000, "header"),
    ]:
        text = _Taken(start, rest)
        reason = read_head(text, known=set(), limits=LIMITS)
        assert isinstance(reason, Reason)
        assert reason.code == code
        assert text.bytes < 40_000_000


def test_a_first_line_may_say_what_separates_the_cells() -> None:
    result = good(b"\nsep=;\r\nid;note;left\r\na;1,5;c\r\n")
    assert result.rows == [("a", "1,5", "c")]
    assert result.lines == [4]
    head = read_head([b"sep=|\nid,x|note\n"], known={"id"}, limits=LIMITS)
    assert not isinstance(head, Reason)
    assert head.names == ("id,x", "note")
    assert head.notes == ("The cells are separated by a vertical bar, as the first line (sep=) says.",)
    assert refused(b"sep=:\nid:note\na:b\n").code == "delimiter"
    assert refused(b"sep=;\n").code == "header"


def test_many_rows_of_delimiters_wait_in_little_memory() -> None:
    result = good(b"id,note\na,b\n" + b",\n" * 200_000 + b"c,d\n", block=1 << 16)
    assert result.lines == list(range(2, 200_004))
    assert result.rows[-2:] == [(None, None), ("c", "d")]
