"""What a file is by its first bytes: an archive, an image, a page, JSON, or text in some encoding."""

from __future__ import annotations

import re
from dataclasses import dataclass

from handlers.domain.files import Reason

#: As many bytes as the functions here look at.
HEAD = 4096
UTF8_BOM = b"\xef\xbb\xbf"
WIDE_BOMS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
#: Control characters that no text has: what is left of C0 without tab, line feed, form feed, carriage return, escape,
#: and the character with which DOS programs end a text.
CONTROLS = bytes(code for code in range(32) if code not in (9, 10, 11, 12, 13, 26, 27))
_CONTROL_BYTES = frozenset(CONTROLS[place : place + 1] for place in range(len(CONTROLS)))
#: What Windows-1252 leaves undefined: a text with one of them is Latin-1.
UNDEFINED = b"\x81\x8d\x8f\x90\x9d"

_EXPORT = "Export the data as CSV in UTF-8."
_UNPACK = "Unpack it and send the CSV itself, or pack it with gzip."
_EXCEL = "Open it and save the sheet as CSV in UTF-8."
_DOWNLOAD = "A download that asks for a login often gives such a page: fetch the CSV again."
_MAGICS = (
    (b"PK\x05\x06", "an empty ZIP archive", _UNPACK),
    (b"PK\x07\x08", "a ZIP archive", _UNPACK),
    (b"\x1f\x8b", "packed with gzip twice", "Pack it once."),
    *((b"BZh%d1AY&SY" % level, "a bzip2 archive", _UNPACK) for level in range(1, 10)),
    (b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (b"\x04\x22\x4d\x18", "an lz4 archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word file", _EXCEL),
    (b"\x09\x08\x10\x00", "an old Excel file", _EXCEL),
    (b"\x89PNG\r\n", "a PNG image", _EXPORT),
    (b"\xff\xd8\xff", "a JPEG image", _EXPORT),
    (b"GIF87a", "a GIF image", _EXPORT),
    (b"GIF89a", "a GIF image", _EXPORT),
    (b"II*\x00", "a TIFF image", _EXPORT),
    (b"MM\x00*", "a TIFF image", _EXPORT),
    (b"%PDF-", "a PDF", _EXPORT),
    (b"{\\rtf", "an RTF document", _EXPORT),
    (b"PAR1", "a Parquet file", _EXPORT),
    (b"PARE", "an encrypted Parquet file", _EXPORT),
    (b"ARROW1", "an Arrow file", _EXPORT),
    (b"FEA1", "a Feather file", _EXPORT),
    (b"Obj", "an Avro file", _EXPORT),
    (b"\x89HDF\r\n", "an HDF5 file", _EXPORT),
    (b"\x93NUMPY", "a NumPy file", _EXPORT),
    (b"SQLite format 3\x00", "an SQLite database", _EXPORT),
    (b"\x7fELF", "a program", _EXPORT),
)
_ZIP = b"PK\x03\x04"
_STARTS = (_ZIP, *(magic for magic, _, _ in _MAGICS))
_OFFICE = (
    (b"[Content_Types].xml", "an Excel workbook or another Office file"),
    (b"application/vnd.oasis.opendocument", "an OpenDocument file"),
)
_TAR_AT, _TAR = 257, b"ustar"
# Parts of the bytes on odd, or even, places that are NUL in UTF-16 without a mark; a stray NUL or two say nothing.
_FEWEST_PAIRS, _MANY, _HARDLY_ANY = 4, 0.3, 0.1
# A header may begin with "<5km" or, as some databases write names, with "[id]": only what no header is, counts.
_MARKUP = (
    (re.compile(rb"\s*<(!doctype\s+html|html|head|body|table|script|meta)\b", re.I), "an HTML page", _DOWNLOAD),
    (re.compile(rb"\s*<(\?xml\b|!doctype\b|svg\b|!--)", re.I), "an XML document", _EXPORT),
    (re.compile(rb'\s*(\{\s*["}]|\[\s*["\[\]{])'), "a JSON document", _EXPORT),
    (re.compile(rb"\s*%PDF-"), "a PDF", _EXPORT),
)


class NoText(Exception):
    """A file of which no text can be made, for the ``reason`` that its sender is told."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason.detail)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is instead of CSV, and what its sender can do."""

    what: str
    hint: str


def binary_kind(head: bytes) -> Kind | None:
    """What the first ``HEAD`` bytes of a file that is no text say that it is; None for text, whatever its encoding."""
    if head.startswith(_TAR, _TAR_AT) and 0 in head:
        return Kind("a tar archive", _UNPACK)
    if not head.startswith(_STARTS):
        return None
    if head.startswith(_ZIP):
        office = next((what for mark, what in _OFFICE if mark in head), None)
        return Kind(office, _EXCEL) if office else Kind("a ZIP archive or an Excel workbook", _UNPACK)
    return next((Kind(what, hint) for magic, what, hint in _MAGICS if _begins(head, magic)), None)


def _begins(head: bytes, magic: bytes) -> bool:
    """Whether a file begins with a magic. One that is a word, such as PAR1, may as well be the name of a column."""
    return head.startswith(magic) and (not magic.isalnum() or head[len(magic) : len(magic) + 1] in _CONTROL_BYTES)


def text_kind(head: bytes) -> Kind | None:
    """What a text is instead of CSV, by its first ``HEAD`` bytes in UTF-8 without a byte order mark."""
    return next((Kind(what, hint) for pattern, what, hint in _MARKUP if pattern.match(head)), None)


def wide_encoding(head: bytes) -> str | None:
    """The encoding that a byte order mark of two or four bytes names."""
    return next((encoding for mark, encoding in WIDE_BOMS if head.startswith(mark)), None)


def unmarked_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a byte order mark, by where the NUL bytes of Latin letters and digits stand."""
    pairs = len(head) // 2
    if pairs < _FEWEST_PAIRS:
        return None
    fewer, more = sorted(half.count(0) / pairs for half in (head[0 : 2 * pairs : 2], head[1 : 2 * pairs : 2]))
    if more > _MANY and fewer < _HARDLY_ANY and more * pairs >= _FEWEST_PAIRS:
        return "UTF-16"
    if more > 1 - _HARDLY_ANY and abs(fewer - 0.5) < _HARDLY_ANY:
        return "UTF-32"
    return None
