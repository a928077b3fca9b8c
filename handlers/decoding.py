"""The bytes of a file to UTF-8 text: compression, what is no text at all, and the character set."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from handlers.domain.files import Reason
from handlers.domain.limits import Limits

GZIP_MAGIC = b"\x1f\x8b"
UTF8_BOM = b"\xef\xbb\xbf"
#: How files that are no text begin, and what to call them.
BINARY_MAGICS = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word file"),
    (b"%PDF-", "a PDF"),
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
)
WIDE_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
#: Control characters that no text has: what is left of C0 without tab, line feed, form feed, carriage return, escape.
CONTROLS = bytes(code for code in range(32) if code not in (9, 10, 11, 12, 13, 26, 27))
#: What zlib is fed at once. It bounds the copy of input that is not yet used.
INPUT_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Text:
    """The file as UTF-8 without a byte order mark, and what was guessed to get there."""

    data: bytes
    notes: tuple[str, ...] = ()


def decode(content: bytes, limits: Limits) -> Text | Reason:
    """Return the file's text, or why it has none. Never raises for what a file holds."""
    plain = gunzip(content, limits) if content.startswith(GZIP_MAGIC) else content
    if isinstance(plain, Reason):
        return plain
    if len(plain) > limits.max_decompressed_bytes:
        return _too_large(limits)
    text = _unicode(plain)
    if isinstance(text, Reason):
        return text
    if not text.data.strip():
        return Reason("empty", "The file is empty.", "Send a file with a header line and at least one row.")
    return text


def gunzip(content: bytes, limits: Limits) -> bytes | Reason:
    """Unpack all members of a gzip file, stopping at the limit; zero padding at the end is allowed."""
    pieces: list[bytes] = []
    room = limits.max_decompressed_bytes
    view = memoryview(content)
    at = 0
    while at < len(content):
        if not content.startswith(GZIP_MAGIC, at):
            if content[at:].strip(b"\x00"):
                return Reason(
                    "gzip_damaged", f"There is something that is not gzip at byte {at + 1}.", "Pack it again."
                )
            break
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            block = member.unconsumed_tail or view[at : at + INPUT_BLOCK]
            if not member.unconsumed_tail:
                at += len(block)
            if not block:
                return Reason("gzip_truncated", "The gzip file ends in the middle.", "Send the whole file again.")
            try:
                piece = member.decompress(block, room + 1)
            except zlib.error as error:
                return Reason("gzip_damaged", f"The gzip file cannot be unpacked: {error}.", "Send the file again.")
            room -= len(piece)
            if room < 0:
                return _too_large(limits)
            pieces.append(piece)
        at -= len(member.unused_data)
    return b"".join(pieces)


def _too_large(limits: Limits) -> Reason:
    return Reason(
        "too_large", f"The file holds more than {limits.max_decompressed_bytes} bytes.", "Split it into smaller files."
    )


def _unicode(plain: bytes) -> Text | Reason:
    for magic, what in BINARY_MAGICS:
        if plain.startswith(magic):
            return Reason("not_text", f"The file is {what}, not CSV.", "Export the data as CSV in UTF-8.")
    for mark, encoding in WIDE_BOMS:
        if plain.startswith(mark):
            return _from_wide(plain, encoding)
    if 0 in plain:
        line = plain.count(b"\n", 0, plain.index(0)) + 1
        return Reason("nul_bytes", f"There is a NUL byte in line {line}: this is no text.", _SAVE_AS_UTF8, (line,))
    # DOS programs end a text with this character.
    data = plain.removeprefix(UTF8_BOM).removesuffix(b"\x1a")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return _from_one_byte(data, error)
    return Text(data)


_SAVE_AS_UTF8 = "Save the file as CSV in UTF-8."


def _from_wide(plain: bytes, encoding: str) -> Text | Reason:
    try:
        text = plain.decode(encoding)
    except UnicodeDecodeError as error:
        what = f"The file says that it is {encoding.upper()} but is not, or ends in the middle: {error.reason}."
        return Reason("encoding", what, _SAVE_AS_UTF8)
    if "\x00" in text:
        return Reason("nul_bytes", "There are NUL characters in the text.", _SAVE_AS_UTF8)
    return Text(text.encode(), (f"The file was read as {encoding.upper()}.",))


def _from_one_byte(data: bytes, error: UnicodeDecodeError) -> Text | Reason:
    """Read what is not UTF-8 as Windows-1252, or refuse what is a mixture, cut off, or no text.

    Windows-1252 leaves five bytes undefined; where one of them occurs, Latin-1 is meant.
    """
    line = data.count(b"\n", 0, error.start) + 1
    if len(data.translate(None, CONTROLS)) != len(data):
        return Reason("not_text", f"Line {line} holds bytes that are no text.", _SAVE_AS_UTF8, (line,))
    loose = data.decode(errors="replace").replace("�", "")
    if not loose.isascii():
        if error.reason == "unexpected end of data":
            return Reason("truncated", f"The file ends inside a character in line {line}.", "Send it again.", (line,))
        what = f"Most of the file is UTF-8, but line {line} is not."
        return Reason("encoding", what, _SAVE_AS_UTF8, (line,))
    try:
        text, encoding = data.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        text, encoding = data.decode("latin-1"), "Latin-1"
    return Text(text.encode(), (f"The file is not UTF-8; it was read as {encoding} (line {line} is the first).",))
