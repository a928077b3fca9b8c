"""From a file's bytes to UTF-8, wherever the blocks are cut: the character set, compression, and what is no text."""

from __future__ import annotations

import gzip
import itertools
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import decoding
from handlers.decoding import Text, decode, gunzip
from handlers.domain.files import Reason
from handlers.domain.limits import Limits
from handlers.storage import inbox
from handlers.storage.inbox import Changed, Content, Drop, take

GOOD = "id,visits,left\nä,1,1\nb,2,0\n€,3,1\n😀,4,0\n"
ASCII = b"id,visits,left\na,1,1\nb,2,0\n"
LIMITS = Limits()


class InBlocks(Content):
    """A content that is never held, as a large file is; its blocks are small where nobody says how large."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self.held = None
        self._data, self._size = data, size

    def blocks(self, size: int = 0) -> Iterator[bytes]:
        size = size or self._size
        return (self._data[at : at + size] for at in range(0, len(self._data), size))


@pytest.fixture(params=[0, 1 << 20])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts that had to be unpacked or translated are kept in memory, or never."""
    monkeypatch.setattr(decoding, "KEPT_BYTES", request.param)


def read(content: Content, limits: Limits = LIMITS) -> Text:
    text = decode(content, limits)
    assert isinstance(text, Text), text
    assert text.size == len(text.whole()) > 0
    return text


def refused(content: bytes, limits: Limits = LIMITS) -> Reason:
    """The refusal, which is the same however the content comes."""
    outcomes = [decode(each, limits) for each in (Content.of(content), InBlocks(content, 1), InBlocks(content, 7))]
    assert isinstance(outcomes[0], Reason), outcomes[0]
    assert outcomes == [outcomes[0]] * 3
    assert outcomes[0].hint.endswith(".")
    return outcomes[0]


@pytest.mark.parametrize(
    ("content", "encoding", "noted"),
    [
        (GOOD.encode(), "UTF-8", False),
        (GOOD.encode("utf-8-sig"), "UTF-8", False),
        (GOOD.encode() + b"\x1a", "UTF-8", False),
        (GOOD.encode("utf-16"), "UTF-16", True),
        (b"\xfe\xff" + GOOD.encode("utf-16-be"), "UTF-16", True),
        (GOOD.encode("utf-32"), "UTF-32", True),
        (b"\x00\x00\xfe\xff" + GOOD.encode("utf-32-be"), "UTF-32", True),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.usefixtures("kept")
def test_the_text_is_the_same_in_every_encoding_and_for_blocks_of_any_size(
    content: bytes, encoding: str, noted: bool, packed: bool
) -> None:
    if packed:
        content = gzip.compress(content[:20]) + gzip.compress(content[20:]) + b"\x00" * 9
    for each in (Content.of(content), InBlocks(content, 1), InBlocks(content, 5)):
        text = read(each)
        assert (text.encoding, text.compressed) == (encoding, packed)
        assert text.notes == ((f"The file was read as {encoding}.",) if noted else ())
        for size in (1, 3, 50, 1 << 20):
            blocks = list(text.blocks(size))
            assert b"".join(blocks).decode() == GOOD
            assert all(0 < len(block) <= 3 * size + 3 for block in blocks)


@pytest.mark.parametrize(
    ("extra", "encoding"),
    [("\xe9", "Windows-1252"), ("€", "Windows-1252"), ("\x81", "Latin-1"), ("\xe9\x1a", "Windows-1252")],
)
@pytest.mark.usefixtures("kept")
def test_what_is_not_utf8_is_read_as_one_byte_text_with_a_note(extra: str, encoding: str) -> None:
    content = b"id,left\r\na\ra\r\n" + extra.encode("latin-1" if encoding == "Latin-1" else "cp1252")
    for each in (Content.of(content), InBlocks(content, 1), InBlocks(content, 4)):
        text = read(each)
        assert text.encoding == encoding
        assert text.whole().decode() == "id,left\r\na\ra\r\n" + extra.rstrip("\x1a")
        assert text.notes == (f"The file is not UTF-8; it was read as {encoding} (line 4 is the first).",)


def test_a_mark_before_one_byte_text_is_no_character_of_it() -> None:
    text = read(Content.of(b"\xef\xbb\xbfid,left\n\xe9,1\n"))
    assert (text.encoding, text.whole().decode()) == ("Windows-1252", "id,left\né,1\n")


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "empty", "empty"),
        (b"\xef\xbb\xbf\r\n \x1a", "empty", "empty"),
        ("\n".encode("utf-16"), "empty", "empty"),
        (b" " * 10_000, "empty", "empty"),
        (gzip.compress(b""), "empty", "empty"),
        (ASCII + b"c,\x00,1\n", "nul_bytes", "line 4"),
        (b"id,left\r\xc3\xa9,\r\n1\x00", "nul_bytes", "line 3"),
        (b"id,left\n\xe9,1\n\x00", "nul_bytes", "line 3"),
        ("id\nb,\x00,1\n".encode("utf-16"), "nul_bytes", "line 2"),
        (b"\x00" * 5000, "nul_bytes", "line 1"),
        (b"id,left\n\xe9\x01\x02,1\n", "not_text", "Line 2"),
        (b"id,left\n\xc3\xa9,1\n\xe9,1\n", "encoding", "line 3"),
        (b"id,left\n\xe9,1\n\xc3\xa9,1\n", "encoding", "line 2"),
        (b"id,left\n\xc3\xa9,1\na,1\xc3", "truncated", "line 3"),
        (b"id,left\n\xc3\xa9,1\na,1\xe2\x82\x1a", "truncated", "line 3"),
        (b"id,left\n\xc3\xa9,1\na,1\xe2\x28", "encoding", "line 3"),
        (b"id,left\n\xed\xa0\x80\xc3\xa9\n", "encoding", "line 2"),
        (GOOD.encode("utf-16")[:-1], "encoding", "UTF-16"),
        (GOOD.encode("utf-16-le"), "nul_bytes", "as if it were UTF-16"),
        (GOOD.encode("utf-32-be"), "nul_bytes", "as if it were UTF-32"),
        (b"PK\x03\x04 and so on", "not_text", "ZIP"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html>", "not_text", "HTML"),
        ("<html>".encode("utf-16"), "not_text", "HTML"),
        (b'{"id": 1}', "not_text", "JSON"),
        (gzip.compress(b'[{"id": 1}]'), "not_text", "JSON"),
        (gzip.compress(b"%PDF-1.7"), "not_text", "PDF"),
        (gzip.compress(gzip.compress(ASCII)), "not_text", "gzip twice"),
        (gzip.compress(ASCII)[:-3], "gzip_truncated", "in the middle"),
        (gzip.compress(ASCII) + b"junk", "gzip_damaged", "not gzip"),
        (b"\x1f\x8b" + b"junk" * 5, "gzip_damaged", "unpacked"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place_however_it_is_cut(content: bytes, code: str, words: str) -> None:
    reason = refused(content)
    assert reason.code == code
    assert words in reason.detail
    if "ine " in words:
        assert reason.lines == (int(words.rsplit(maxsplit=1)[-1]),)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_text_may_have_as_many_bytes_as_the_limit_and_no_more(pack: type[bytes]) -> None:
    read(Content.of(pack(ASCII)), Limits(max_decompressed_bytes=len(ASCII)))
    assert refused(pack(ASCII), Limits(max_decompressed_bytes=len(ASCII) - 1)).code == "too_large"


@given(
    st.lists(
        st.sampled_from([b"a", b"\n", b"\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\xc3", b"\xe9", b"\x1a"])
    )
)
def test_blocks_never_change_what_a_file_is(pieces: list[bytes]) -> None:
    content = b"x" + b"".join(pieces)
    whole = decode(Content.of(content), LIMITS)
    for size in (1, 2, 3):
        cut = decode(InBlocks(content, size), LIMITS)
        if isinstance(whole, Reason) or isinstance(cut, Reason):
            assert cut == whole
        else:
            assert (cut.encoding, cut.size, cut.notes) == (whole.encoding, whole.size, whole.notes)
            assert cut.whole() == whole.whole()
            assert list(itertools.accumulate(map(len, cut.blocks(size))))[-1] == cut.size
    try:
        expected = content.removesuffix(b"\x1a").decode()
    except UnicodeDecodeError:
        return
    assert isinstance(whole, Text)
    assert whole.whole().decode() == expected


def test_a_held_text_is_one_block_without_a_copy() -> None:
    data = ASCII * 1000
    assert list(read(Content.of(data)).blocks(len(data))) == [data]
    assert next(read(Content.of(data)).blocks(len(data))) is data


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drop:
    monkeypatch.setattr(inbox, "HELD_BYTES", 100)
    monkeypatch.setattr(decoding, "KEPT_BYTES", 100)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(ASCII * 1000))
    taken = take(tmp_path, "a.csv.gz", max_bytes=1 << 20)
    assert isinstance(taken, Drop)
    return taken


@pytest.mark.parametrize(
    "other", [gzip.compress(ASCII * 1000, mtime=1), gzip.compress(b"x" * 30_000), b"junk" * 200, b""]
)
def test_a_file_that_changes_after_the_survey_is_never_read_to_its_end(
    large: Drop, tmp_path: Path, other: bytes
) -> None:
    with large.content:
        text = read(large.content)
        assert text.whole() == ASCII * 1000
        (tmp_path / "a.csv.gz").write_bytes(other)
        with pytest.raises(Changed):
            text.whole()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (gzip.compress(ASCII * 100), b"junk" * 100),
        (gzip.compress(ASCII * 100), gzip.compress(ASCII * 100)[:-1]),
        (ASCII.decode().encode("utf-16"), ASCII.decode().encode("utf-16")[:-1]),
        (b"id,left\n\xe9,1\n", b"id,left\n\x81,1\n"),
    ],
)
def test_what_could_be_read_in_the_survey_and_cannot_be_read_now_has_changed(
    first: bytes, second: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "KEPT_BYTES", 0)
    content = InBlocks(first, 10)
    text = read(content)
    content._data = second
    with pytest.raises(Changed):
        text.whole()


def test_a_large_gzip_file_is_never_whole_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "KEPT_BYTES", 1 << 20)
    packed = Content.of(gzip.compress(ASCII * 2_000_000, 1))
    tracemalloc.start()
    try:
        text = read_in_blocks(packed)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert text == len(ASCII) * 2_000_000 > 50_000_000
    assert peak < 20_000_000


def read_in_blocks(content: Content) -> int:
    text = decode(content, LIMITS)
    assert isinstance(text, Text)
    return sum(len(block) for block in text.blocks())


def test_bytes_are_unpacked_at_once_or_refused() -> None:
    assert gunzip(gzip.compress(ASCII) + gzip.compress(b"more"), LIMITS) == ASCII + b"more"
    too_much = gunzip(gzip.compress(ASCII), Limits(max_decompressed_bytes=5))
    assert isinstance(too_much, Reason)
    assert too_much.code == "too_large"
