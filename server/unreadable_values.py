"""Whose value and which column it is where a JSON body cannot be read: looked for only then."""

from __future__ import annotations

import re
import string

import msgspec

from handlers.clients import ClientsRefused, Fault

NOT_A_NUMBER = "NaN and Infinity are no numbers of JSON: send null for what is not known."
BEYOND_RANGE = "The number is larger than a float of 64 bits can be."
UNREADABLE = "This is no value of JSON."
_PLACED = re.compile(r"^(?:Number|Integer value) out of range - at `\$\.clients\[(\d+)\]\[\.\.\.\]")
_OFFSET = re.compile(r"\(byte (\d+)\)$")
_BEGUN = string.ascii_letters.encode() + string.digits.encode() + b"_-+."
_NO_NUMBER = re.compile(rb"[-+]?(?:NaN|Inf)", re.IGNORECASE)
_MARK = b'"\\u0000"'


class _Rows(msgspec.Struct):
    """A body whose clients are left as they were sent."""

    clients: list[msgspec.Raw] = []


_rows = msgspec.json.Decoder(_Rows)
_values = msgspec.json.Decoder(dict[str, msgspec.Raw])


def beyond_range(content: bytes, error: msgspec.ValidationError) -> ClientsRefused | None:
    """The value that ``error`` calls out of range; None where it is no value of a client."""
    placed = _PLACED.match(str(error))
    if placed is None:
        return None
    row = int(placed[1])
    for column, value in _values.decode(_rows.decode(content).clients[row]).items():
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
    before = content[: int(found[1])].rstrip(_BEGUN)
    try:
        rows = _rows.decode(b"%b%b}]}" % (before, _MARK)).clients
        values = _values.decode(rows[-1]) if rows else {}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    for column, value in values.items():
        if bytes(value) == _MARK:
            is_number = _NO_NUMBER.match(content, len(before)) is not None
            return ClientsRefused([Fault(len(rows) - 1, column, NOT_A_NUMBER if is_number else UNREADABLE)])
    return None
