"""A large JSON body in pieces of about a millisecond: whoever decodes it whole holds up every other thread meanwhile.

A piece ends where ``}, {`` is found. That may be within a text, or in a list inside an object; then what was cut off is
no list of objects, and the next place is tried. Where a piece can be decoded, its end is right: what begins at the
beginning of an object can be read in one way only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from server.repeated_keys import surely_all

PIECE_BYTES = 128 * 1024
TRIES = 8

Objects = list[dict[str, Any]]

_OPENING = re.compile(rb'\s*+\{\s*+"clients"\s*+:\s*+\[\s*+(?=\{)')
_BETWEEN = re.compile(rb"\}\s*+,\s*+(?=\{)")
_BLANKS = b" \t\n\r"
_decoder = msgspec.json.Decoder(Objects)


class NotInPieces(Exception):
    """The body begins otherwise, is wrong somewhere, or may have a key twice: who decodes it whole sees what it is."""


def pieces(content: bytes) -> Iterator[Objects]:
    """The objects of ``{"clients": [...]}``, some at a time. Raises NotInPieces, perhaps after some pieces."""
    opening = _OPENING.match(content)
    if opening is None:
        raise NotInPieces
    start = opening.end()
    while found := _piece(content, start):
        objects, start = found
        yield objects
    end = content.rfind(b"]")
    if content[end + 1 :].strip(_BLANKS) != b"}":
        raise NotInPieces
    try:
        yield _decoded(content[start:end])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotInPieces from error


def _piece(content: bytes, start: int) -> tuple[Objects, int] | None:
    """A piece and where the next begins; None where what is left is the last one."""
    looked = start + PIECE_BYTES
    for _ in range(TRIES):
        between = _BETWEEN.search(content, looked)
        if between is None:
            return None
        try:
            return _decoded(content[start : between.start() + 1]), between.end()
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            looked = between.end()
    raise NotInPieces


def _decoded(piece: bytes) -> Objects:
    objects = _decoder.decode(b"[" + piece + b"]")
    if not surely_all(piece, objects):
        raise NotInPieces
    return objects
