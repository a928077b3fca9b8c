"""Unpacking gzip block by block: all members of a file, up to a limit."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from handlers.domain.file_kinds import NoText
from handlers.domain.files import Reason

GZIP_MAGIC = b"\x1f\x8b"
#: What zlib is given at once. It bounds what is copied when a member ends, which many small members make dear.
FED = 16 << 10
#: What zlib may answer at once. It bounds the memory that a bomb takes before it is noticed.
ANSWERED = 1 << 20


def unpacked(packed: Iterable[bytes], *, max_bytes: int) -> Iterator[bytes]:
    """Unpack all members of a gzip file; zero bytes may follow the last one, and nothing else.

    Raises NoText where the file is cut off, damaged, or holds more than ``max_bytes``; what came before has been given.
    """
    member, rest = None, b""
    at, room = 0, max_bytes
    for data in _fed(packed):
        at += len(data)
        rest += data
        while rest:
            if member is None:
                if not _begins_member(rest, at):
                    rest = rest[:1]  # padding, or the first byte of a magic: what follows will tell
                    break
                member = zlib.decompressobj(wbits=31)
            try:
                piece = member.decompress(rest, min(ANSWERED, room + 1))
            except zlib.error as error:
                raise _damaged(f"The gzip file cannot be unpacked: {error}.") from error
            room -= len(piece)
            if room < 0:
                raise NoText(too_large(max_bytes))
            if piece:
                yield piece
            rest = member.unconsumed_tail
            if member.eof:
                rest, member = member.unused_data, None
    if member is not None:
        raise NoText(Reason("gzip_truncated", "The gzip file ends in the middle.", "Send the whole file again."))
    if rest.strip(b"\x00"):
        raise _foreign(at)


def too_large(max_bytes: int) -> Reason:
    """The refusal of a file that holds too much, packed or not."""
    return Reason("too_large", f"The file holds more than {max_bytes} bytes.", "Split it into smaller files.")


def _fed(packed: Iterable[bytes]) -> Iterator[bytes]:
    for block in packed:
        for start in range(0, len(block), FED):
            yield block[start : start + FED]


def _begins_member(rest: bytes, at: int) -> bool:
    """Whether a member begins here, or nothing but padding so far. Raises NoText for anything else."""
    if rest[0] == 0:
        if rest.strip(b"\x00"):
            raise _foreign(at - len(rest.lstrip(b"\x00")) + 1)
        return False
    if len(rest) < len(GZIP_MAGIC) and GZIP_MAGIC.startswith(rest):
        return False
    if not rest.startswith(GZIP_MAGIC):
        raise _foreign(at - len(rest) + 1)
    return True


def _foreign(place: int) -> NoText:
    return _damaged(f"There is something that is not gzip at byte {place}.")


def _damaged(detail: str) -> NoText:
    return NoText(Reason("gzip_damaged", detail, "Pack it again, or send it again."))
