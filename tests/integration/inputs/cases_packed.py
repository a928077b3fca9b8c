"""Files that are not plain text: gzip in every state, and what only has the name of a CSV."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib

from tests.integration.inputs.case import GOOD, Case, good, refused

PACKED = gzip.compress(GOOD)
#: More than a deflate window, so that there is something to be damaged in the middle.
LONG = gzip.compress(GOOD + b"".join(b"m%d,%d,1.5,basic,1\n" % (place, place * 7919) for place in range(5000)))


def _zip(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, GOOD)
    return file.getvalue()


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def not_text(content: bytes, *, row: str, says: str) -> Case:
    """A file of another kind, which the refusal names."""
    return refused(content, row=row, code="not_text", says=says)


GZIP = (
    good(PACKED, row="gzip", name="drop.csv.gz"),
    good(gzip.compress(b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n")), row="gzip", name="DROP.CSV.GZ"),
    good(
        gzip.compress(GOOD[:50]) + gzip.compress(b"") + gzip.compress(GOOD[50:]) + b"\0" * 512,
        row="gzip-of-several-members",
        name="drop.csv.gz",
    ),
    good(PACKED, row="gzip-named-csv", notes=("is gzip, though its name does not say so",)),
    good(GOOD, row="csv-named-gzip", name="drop.csv.gz", notes=("is not gzip, though its name says so",)),
    refused(PACKED[:-3], row="cut-gzip", code="gzip_truncated", says="ends in the middle"),
    refused(PACKED[:-9], row="cut-gzip", code="gzip_truncated", says="ends in the middle"),
    refused(LONG[: len(LONG) // 2], row="cut-gzip", code="gzip_truncated", says="ends in the middle"),
    refused(PACKED[:-5] + b"\0" + PACKED[-4:], row="damaged-gzip", code="gzip_damaged"),
    refused(PACKED + b"junk", row="damaged-gzip", code="gzip_damaged", says="not gzip"),
    refused(LONG[: len(LONG) // 2] + b"\xff" * 8 + LONG[len(LONG) // 2 + 8 :], row="damaged-gzip", code="gzip_damaged"),
    refused(b"\x1f\x8b" + GOOD, row="damaged-gzip", code="gzip_damaged"),
    not_text(gzip.compress(_zip("drop.csv")), row="zip", says="ZIP archive"),
)

OTHERS = (
    not_text(_zip("drop.csv"), row="zip", says="ZIP archive"),
    not_text(_zip("[Content_Types].xml", "xl/workbook.xml"), row="xlsx", says="Excel workbook"),
    not_text(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), row="xlsx", says="Excel"),
    not_text(_png(), row="image", says="PNG image"),
    not_text(b"\xff\xd8\xff\xe0\x00\x10JFIF\0", row="image", says="JPEG image"),
    not_text(b"GIF89a\x01\0\x01\0", row="image", says="GIF image"),
    not_text(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", row="pdf", says="PDF"),
    not_text(b"PAR1" + bytes(20) + b"PAR1", row="parquet", says="Parquet"),
    not_text(b"<!DOCTYPE html>\n<html><body>Sign in, please</body></html>\n", row="html", says="HTML"),
    not_text(b"<html>\n<head><title>404, not found</title></head></html>\n", row="html", says="HTML"),
    not_text(b'[{"corporation": "a", "visits": 1},\n {"corporation": "b", "visits": 2}]\n', row="json", says="JSON"),
    not_text(b'{"items": [\n{"corporation": "a"}\n]}', row="json", says="JSON"),
)

CASES = GZIP + OTHERS
