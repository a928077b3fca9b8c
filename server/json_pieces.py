"""A large JSON body in pieces of about a millisecond: whoever decodes it whole holds up every other thread meanwhile.

A piece ends where ``}, {`` is found. That may be within a text, or in a list inside an object; then what was cut off is
no list of objects, and the next place is tried. Where a piece can be decoded, its end is right: what begins at the
beginning of an object can be read in one way only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

PIECE_BYTES = 64 * 1024
LONGEST_BYTES = 1024 * 1024
"""An object that is so long is decoded by itself, after its keys were counted."""
TRIES = 8

Objects = list[dict[str, Any]]
Found = TypeVar("Found")
Read = Callable[[bytes], Found]
"""Reads the objects of a piece, which stand there with commas between them."""

_OPENING = re.compile(rb'\s*+\{\s*+"clients"\s*+:\s*+\[\s*+(?=\{)')
_BETWEEN = re.compile(rb"\}\s*+,\s*+(?=\{)")
_BLANKS = b" \t\n\r"
_WRONG = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class NotInPieces(Exception):
    """The body begins otherwise, is wrong somewhere, or may have a key twice: who reads it by rows sees what it is."""


def pieces(content: bytes, read: Read[Found]) -> Iterator[Found]:
    """The objects of ``{"clients": [...]}``, some at a time, as ``read`` reads them, which raises MsgspecError,
    UnicodeDecodeError or RecursionError for anything else. Raises NotInPieces, perhaps after some pieces."""
    opening = _OPENING.match(content)
    if opening is None:
        raise NotInPieces
    start = opening.end()
    while found := _piece(content, start, read):
        objects, start = found
        yield objects
    end = content.rfind(b"]")
    if content[end + 1 :].strip(_BLANKS) != b"}":
        raise NotInPieces
    if end - start > LONGEST_BYTES:
        raise NotInPieces
    try:
        yield read(content[start:end])
    except _WRONG:
        raise NotInPieces from None


def _piece(content: bytes, start: int, read: Read[Found]) -> tuple[Found, int] | None:
    """A piece and where the next begins; None where what is left is the last one."""
    looked = start + PIECE_BYTES
    for _ in range(TRIES):
        between = _BETWEEN.search(content, looked)
        if between is None:
            return None
        if between.start() - start > LONGEST_BYTES:
            break
        try:
            return read(content[start : between.start() + 1]), between.end()
        except _WRONG:
            looked = between.end()
    raise NotInPieces
