"""The head of a request as the parser has it: how large it was, and whether it was refused for that."""

from __future__ import annotations

from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.http_parser import RawRequestMessage

TOO_MANY_FIELDS = "Too many headers received"
"""What the parser says of more than 128."""


def head_bytes(message: RawRequestMessage) -> int:
    """Bytes before a body, without spaces around values."""
    line = len(message.method) + len(message.path) + len(" ") * 2 + len("HTTP/1.1\r\n")
    fields = sum(len(name) + len(": ") + len(value) + len("\r\n") for name, value in message.raw_headers)
    return line + fields + len("\r\n")


def is_of_size(exc: BaseException | None) -> bool:
    """Whether the parser has refused a head for its size. For the number of fields it has no exception of its own."""
    return isinstance(exc, LineTooLong) or (isinstance(exc, BadHttpMessage) and exc.message == TOO_MANY_FIELDS)
