"""What is told from the first bytes of a file."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from handlers.domain.file_kinds import HEAD, binary_kind, text_kind, unmarked_encoding, wide_encoding

TABLE = pa.table({"id": ["a", "b"], "left": [1, 0]})
CSV = b"id,visits,left\na,1,1\nb,2,0\n"


def zipped(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, CSV)
    return stream.getvalue()


def tarred() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("drop.csv"), io.BytesIO())
    return stream.getvalue()


def parquet() -> bytes:
    stream = io.BytesIO()
    pyarrow.parquet.write_table(TABLE, stream)
    return stream.getvalue()


def arrow() -> bytes:
    stream = io.BytesIO()
    pyarrow.feather.write_feather(TABLE, stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (zipped("drop.csv"), "ZIP"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "Excel workbook or another"),
        (zipped(), "empty ZIP"),
        (tarred(), "tar"),
        (parquet(), "Parquet"),
        (arrow(), "Arrow"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00", "old Excel"),
        (b"PAR1\x00", "Parquet"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG"),
        (b"GIF89a\x01\x00", "GIF"),
        (b"SQLite format 3\x00", "SQLite"),
        (b"BZh91AY&SY\x00", "bzip2"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"\x28\xb5\x2f\xfd\x04", "zstd"),
        (b"\x1f\x8b\x08", "twice"),
    ],
)
def test_what_is_no_text_is_named(content: bytes, word: str) -> None:
    kind = binary_kind(content[:HEAD])
    assert kind is not None
    assert word in kind.what
    assert kind.hint.endswith(".")


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"PAR1,PAR2\n",
        b"PAR1",
        b"PAR1\tPAR2\n",
        b"ARROW1,b\n",
        b"BZh,b\n",
        b"BZh9,b\n",
        b"GIF8,b\n",
        b"PK,b\n",
        b"a" * 257 + b"ustar,b\n",
    ],
)
def test_a_column_may_be_called_what_a_binary_file_begins_with(header: bytes) -> None:
    assert binary_kind(header) is None
    assert text_kind(header) is None


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"<!DOCTYPE html>\n<html>", "HTML"),
        (b"\r\n  <!doctype   HTML PUBLIC", "HTML"),
        (b"<html lang='en'>", "HTML"),
        (b"<table><tr><td>id</td>", "HTML"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"<!-- made by -->", "XML"),
        (b"<!DOCTYPE note>", "XML"),
        (b'{"clients": []}', "JSON"),
        (b'  {\n  "id": 1', "JSON"),
        (b"{}", "JSON"),
        (b'[{"id": 1}]', "JSON"),
        (b'[\n  ["id", "left"]', "JSON"),
        (b"[]", "JSON"),
        (b"\n%PDF-1.4", "PDF"),
    ],
)
def test_text_that_is_no_table_is_named(content: bytes, word: str) -> None:
    kind = text_kind(content)
    assert kind is not None
    assert word in kind.what


@pytest.mark.parametrize(
    "header",
    [
        CSV,
        b'"id","left"\n',
        b"[id],[left]\n",
        b"{id},{left}\n",
        b"<5km,>5km\n",
        b"<htmlpages>,left\n",
        b"<b>,c\n",
        b"%,b\n",
    ],
)
def test_a_header_may_begin_with_a_quote_a_bracket_or_a_sign(header: bytes) -> None:
    assert text_kind(header) is None


def test_a_byte_order_mark_names_the_wide_encodings() -> None:
    assert wide_encoding(CSV.decode().encode("utf-16")) == "UTF-16"
    assert wide_encoding(CSV.decode().encode("utf-32")) == "UTF-32"
    assert wide_encoding(b"\xfe\xff\x00i") == "UTF-16"
    assert wide_encoding(b"\x00\x00\xfe\xff") == "UTF-32"
    assert wide_encoding(CSV) is None


@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("text", [CSV.decode(), "id;Лист;left\n7;Привет;1\n8;Дом;0\n" + "5;6;7\n" * 5])
def test_wide_text_without_a_mark_is_recognised(text: str, order: str) -> None:
    assert unmarked_encoding(text.encode(f"utf-16-{order}")) == "UTF-16"
    assert unmarked_encoding(CSV.decode().encode(f"utf-32-{order}")) == "UTF-32"


@pytest.mark.parametrize("content", [b"", b"a\x00", CSV, b"\x00" * 100, b"a\x00,b,c\n1,2,3\n", CSV + b"\x00" * 20])
def test_other_text_and_stray_nuls_are_not_taken_for_wide_text(content: bytes) -> None:
    assert unmarked_encoding(content) is None
