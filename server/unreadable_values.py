"""Whose value and which column it is where a JSON body cannot be read: looked for only then."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from handlers.clients import ClientsRefused, Fault

NOT_A_NUMBER = "NaN and Infinity are no numbers of JSON: send null for what is not known."
BEYOND_RANGE = "The number is larger than a float of 64 bits can be."
UNREADABLE = "This is no value of JSON."
_PLACED = re.compile(r"^(?:Number|Integer value) out of range - at `\$\.clients\[(\d+)\]\[\.\.\.\]")
_OFFSET = re.compile(r"\(byte (\d+)\)$")
_BEGUN = re.compile(rb"[-+\w.]*\Z")
_NO_NUMBER = re.compile(rb"[-+]?(?:NaN|Inf)", re.IGNORECASE)
_MARK = b'"\\u0000"'


class _Rows(msgspec.Struct):
    """A body whose values are left as they were sent."""

    clients: list[dict[str, msgspec.Raw]] = []


def beyond_range(content: bytes, error: msgspec.ValidationError) -> ClientsRefused | None:
    """The value that ``error`` calls out of range; None where it is no value of a client."""
    placed = _PLACED.match(str(error))
    if placed is None:
        return None
    row = int(placed[1])
    for column, value in _rows(content)[row].items():
        try:
            msgspec.json.decode(value)
        except msgspec.ValidationError:
            return ClientsRefused([Fault(row, column, BEYOND_RANGE)])
    return None


def unreadable(content: bytes, error: msgspec.DecodeError) -> ClientsRefused | None:
    """The value at the byte that ``error`` names; None where there is none, or it is no value of a client.

    What stands before that byte could be read. So with some value in that place, and an end, all of it can.
    """
    found = _OFFSET.search(str(error))
    if found is None:
        return None
    before = _BEGUN.sub(b"", content[: int(found[1])])
    try:
        rows = _rows(b"%b%b}]}" % (before, _MARK))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    for column, value in rows[-1].items() if rows else ():
        if bytes(value) == _MARK:
            is_number = _NO_NUMBER.match(content, len(before)) is not None
            return ClientsRefused([Fault(len(rows) - 1, column, NOT_A_NUMBER if is_number else UNREADABLE)])
    return None


def _rows(content: bytes) -> list[dict[str, Any]]:
    return msgspec.json.decode(content, type=_Rows).clients
