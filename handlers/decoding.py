"""The bytes of a file to UTF-8 text: compression, what is no text at all, and the character set.

One pass over everything, the survey, finds out what the file is and refuses what is no text; each later pass gives the
text block by block. Nothing that is large is whole in memory, unless its content was before.
"""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from handlers.domain.file_kinds import (
    CONTROLS,
    HEAD,
    UNDEFINED,
    UTF8_BOM,
    Kind,
    NoText,
    binary_kind,
    text_kind,
    unmarked_encoding,
    wide_encoding,
)
from handlers.domain.files import Reason
from handlers.domain.gzip_members import GZIP_MAGIC, too_large, unpacked
from handlers.domain.limits import Limits
from handlers.storage.inbox import BLOCK, Changed, Content

#: A text that had to be unpacked or translated is kept up to this size, so that it is done once.
KEPT_BYTES = 16 << 20
DOS_END = b"\x1a"
_SAVE_AS_UTF8 = "Save the file as CSV in UTF-8."
_CODECS = {"UTF-16": "utf-16", "UTF-32": "utf-32", "Windows-1252": "cp1252", "Latin-1": "latin-1"}


@dataclass(frozen=True, slots=True)
class Text:
    """A file as UTF-8, and what was guessed to get there.

    ``size``: bytes of UTF-8, without the byte order mark. ``encoding``: that of the file, such as "UTF-16".
    """

    encoding: str
    compressed: bool
    size: int
    notes: tuple[str, ...]
    source: _Source

    def blocks(self, size: int = BLOCK) -> Iterator[bytes]:
        """The text from its beginning, as often as wanted. No block is empty; one may end inside a character.

        Blocks have ``size`` bytes or less, those of a file that is not UTF-8 about three times as many at most. A text
        that is in memory, and not larger than ``size``, is one block. Raises as ``Content.blocks`` does.
        """
        try:
            yield from self.source.blocks(size)
        except (NoText, UnicodeDecodeError) as error:
            # The survey has read all this: these are other bytes.
            raise Changed from error

    def whole(self) -> bytes:
        """The text in one piece. Raises as ``blocks`` does."""
        return b"".join(self.blocks(max(self.size, 1)))


def decode(content: Content, limits: Limits) -> Text | Reason:
    """Survey a file: its text, or why it has none. Raises OSError and ``Changed`` alone, whatever the file holds."""
    try:
        if content.size > limits.max_decompressed_bytes and not _is_gzip(content):
            return too_large(limits.max_decompressed_bytes)
        text = _text(_unpack(content, limits))
    except NoText as refusal:
        return refusal.reason
    if all(block.isspace() for block in text.blocks(HEAD)):
        return Reason("empty", "The file is empty.", "Send a file with a header line and at least one row.")
    return replace(text, compressed=_is_gzip(content))


def gunzip(packed: bytes, limits: Limits) -> bytes | Reason:
    """Unpack all members of a gzip file, stopping at the limit; zero padding at the end is allowed."""
    try:
        return b"".join(unpacked((packed,), max_bytes=limits.max_decompressed_bytes))
    except NoText as refusal:
        return refusal.reason


@dataclass(frozen=True, slots=True)
class _Packed:
    """What a gzip file holds, unpacked anew for each pass."""

    content: Content
    max_bytes: int

    def blocks(self, size: int = BLOCK) -> Iterator[bytes]:
        gathered = bytearray()
        for piece in unpacked(self.content.blocks(), max_bytes=self.max_bytes):
            gathered += piece
            while len(gathered) >= size:
                yield bytes(gathered[:size])
                del gathered[:size]
        if gathered:
            yield bytes(gathered)


@dataclass(frozen=True, slots=True)
class _Source:
    """The bytes of ``plain`` from ``start`` to ``end``, translated from ``codec`` where they are not UTF-8."""

    plain: Content | _Packed
    start: int
    end: int
    codec: str | None = None

    def blocks(self, size: int = BLOCK) -> Iterator[bytes]:
        if self.codec is not None:
            yield from _translated(self._cut(size), self.codec)
        elif isinstance(self.plain, Content) and self.plain.held is not None:
            held = self.plain.held
            for at in range(self.start, self.end, size):
                yield held[at : min(at + size, self.end)]
        else:
            yield from self._cut(size)

    def _cut(self, size: int) -> Iterator[bytes]:
        """Reads on to the end of the file, also behind the text: only there it shows whether the file has changed."""
        at = 0
        for block in self.plain.blocks(size):
            piece = block[max(self.start - at, 0) : max(self.end - at, 0)]
            at += len(block)
            if piece:
                yield piece


def _is_gzip(content: Content) -> bool:
    return next(content.blocks(len(GZIP_MAGIC)), b"") == GZIP_MAGIC


def _unpack(content: Content, limits: Limits) -> Content | _Packed:
    """The file without its compression, in memory where it is small."""
    if not _is_gzip(content):
        return content
    packed = _Packed(content, limits.max_decompressed_bytes)
    small = next(packed.blocks(KEPT_BYTES + 1), b"")
    return Content.of(small) if len(small) <= KEPT_BYTES else packed


def _text(plain: Content | _Packed) -> Text:
    head = next(plain.blocks(HEAD), b"")
    _refuse(binary_kind(head))
    wide = wide_encoding(head)
    if wide is not None:
        return _wide_text(plain, wide)
    unmarked = unmarked_encoding(head)
    if unmarked is not None:
        what = f"The file has NUL bytes as if it were {unmarked}, but does not begin with a byte order mark."
        raise NoText(Reason("nul_bytes", what, _SAVE_AS_UTF8, (1,)))
    start = len(UTF8_BOM) if head.startswith(UTF8_BOM) else 0
    _refuse(text_kind(head[start:]))
    survey = _survey(plain)
    end = survey.size - (survey.last == DOS_END)
    if survey.wrong_at is not None:
        return _one_byte_text(_Source(plain, start, end), survey.wrong_at)
    return Text("UTF-8", False, max(end - start, 0), (), _Source(plain, start, end))


def _refuse(kind: Kind | None) -> None:
    if kind is not None:
        raise NoText(Reason("not_text", f"The file is {kind.what}, not CSV.", kind.hint))


@dataclass(frozen=True, slots=True)
class _Survey:
    """``wrong_at``: the place of the first byte that is not UTF-8. ``last``: the last byte."""

    size: int
    last: bytes
    wrong_at: int | None


def _survey(plain: Content | _Packed) -> _Survey:
    """Look at every byte. Raises NoText at a NUL before the first byte that is not UTF-8."""
    size, last, begun, wrong_at = 0, b"", b"", None
    for block in _views(plain):
        # As signed bytes, ASCII without NUL is what is above zero: one fast look, and most files need no other.
        if wrong_at is None and (begun or np.frombuffer(block, np.int8).min() <= 0):
            piece = begun + block
            at = size - len(begun)
            try:
                used = codecs.utf_8_decode(piece, "strict", False)[1]
            except UnicodeDecodeError as error:
                wrong_at, used = at + error.start, error.start
            _refuse_nul(piece[:used], at, plain.blocks())
            begun = piece[used:] if wrong_at is None else b""
        size += len(block)
        last = bytes(block[-1:])
    return _Survey(size, last, size - len(begun) if begun else wrong_at)


def _views(plain: Content | _Packed) -> Iterator[bytes | memoryview]:
    if isinstance(plain, _Packed) or plain.held is None:
        yield from plain.blocks()
        return
    view = memoryview(plain.held)
    for at in range(0, len(view), BLOCK):
        yield view[at : at + BLOCK]


def _refuse_nul(piece: bytes, at: int, blocks: Iterable[bytes]) -> None:
    """Raise NoText for a NUL in a piece that begins ``at`` this place of the file, or text, that ``blocks`` are."""
    place = piece.find(0)
    if place >= 0:
        line = _line(blocks, at + place)
        what = f"There is a NUL character in line {line}: this is no text."
        raise NoText(Reason("nul_bytes", what, _SAVE_AS_UTF8, (line,)))


def _line(blocks: Iterable[bytes], place: int) -> int:
    """The physical line, from 1, of a place; lines end with LF, CR LF or a CR alone."""
    line, before = 1, b""
    for block in blocks:
        piece = block[:place]
        line += piece.count(b"\n") + piece.count(b"\r") - piece.count(b"\r\n")
        line -= before == b"\r" and piece.startswith(b"\n")
        place -= len(piece)
        before = block[-1:]
        if not place:
            break
    return line


def _translated(blocks: Iterable[bytes], codec: str) -> Iterator[bytes]:
    """Translate to UTF-8. Raises UnicodeDecodeError."""
    decoder = codecs.getincrementaldecoder(codec)()
    for block in blocks:
        text = decoder.decode(block)
        if text:
            yield text.encode()
    yield from filter(None, (decoder.decode(b"", final=True).encode(),))


def _wide_text(plain: Content | _Packed, encoding: str) -> Text:
    source = _Source(plain, 0, sys.maxsize, _CODECS[encoding])
    size = 0
    try:
        for block in source.blocks():
            if not size:
                _refuse(text_kind(block[:HEAD]))
            _refuse_nul(block, size, source.blocks())
            size += len(block)
    except UnicodeDecodeError as error:
        what = f"The file says that it is {encoding} but is not, or ends in the middle: {error.reason}."
        raise NoText(Reason("encoding", what, _SAVE_AS_UTF8)) from error
    return _kept(Text(encoding, False, size, (f"The file was read as {encoding}.",), source))


def _one_byte_text(source: _Source, wrong_at: int) -> Text:
    """Read what is not UTF-8 as Windows-1252, or refuse what is a mixture, cut off, or no text.

    Windows-1252 leaves five bytes undefined; where one of them occurs, Latin-1 is meant.
    """
    line = _line(source.plain.blocks(), wrong_at)
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    controls = multibyte = undefined = False
    at, ending = source.start, b""
    for block in source.blocks():
        _refuse_nul(block, at, source.plain.blocks())
        controls = controls or _has_any(block, CONTROLS)
        undefined = undefined or _has_any(block, UNDEFINED)
        multibyte = multibyte or not decoder.decode(block).isascii()
        at += len(block)
        ending = (ending + block[-4:])[-4:]
    if controls:
        raise NoText(Reason("not_text", f"Line {line} holds bytes that are no text.", _SAVE_AS_UTF8, (line,)))
    if multibyte:
        cut = at - wrong_at <= len(ending) and _is_begun(ending[wrong_at - at :])
        raise NoText(_mixture(line, cut=cut))
    encoding = "Latin-1" if undefined else "Windows-1252"
    note = f"The file is not UTF-8; it was read as {encoding} (line {line} is the first)."
    text = Text(encoding, False, 0, (note,), replace(source, codec=_CODECS[encoding]))
    return _kept(replace(text, size=sum(map(len, text.blocks()))))


def _has_any(block: bytes, unwanted: bytes) -> bool:
    return len(block.translate(None, unwanted)) != len(block)


def _is_begun(rest: bytes) -> bool:
    """Whether the bytes are the beginning of a character and nothing else."""
    try:
        return codecs.utf_8_decode(rest, "strict", False)[1] == 0
    except UnicodeDecodeError:
        return False


def _mixture(line: int, *, cut: bool) -> Reason:
    if cut:
        return Reason("truncated", f"The file ends inside a character in line {line}.", "Send it again.", (line,))
    return Reason("encoding", f"Most of the file is UTF-8, but line {line} is not.", _SAVE_AS_UTF8, (line,))


def _kept(text: Text) -> Text:
    """The text in memory where it is small, so that it is translated once."""
    if text.size > KEPT_BYTES:
        return text
    return replace(text, source=_Source(Content.of(text.whole()), 0, text.size))
