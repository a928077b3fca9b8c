"""Gzip comes out whole, in bounded pieces, or with the reason why not; wherever the blocks are cut."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator

import pytest

from handlers.domain import gzip_members
from handlers.domain.file_kinds import NoText
from handlers.domain.gzip_members import unpacked

TEXT = b"id,visits,left\na,1,1\nb,2,0\n"
PACKED = gzip.compress(TEXT)


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def refusal(data: bytes, size: int = 1 << 20, max_bytes: int = 1 << 30) -> tuple[str, str]:
    with pytest.raises(NoText) as refused:
        list(unpacked(cut(data, size), max_bytes=max_bytes))
    return refused.value.reason.code, refused.value.reason.detail


@pytest.mark.parametrize("size", [1, 2, 3, 1 << 20])
@pytest.mark.parametrize(
    ("data", "text"),
    [
        (PACKED, TEXT),
        (gzip.compress(b""), b""),
        (PACKED + PACKED, TEXT + TEXT),
        (gzip.compress(b"") + PACKED + b"\x00" * 30, TEXT),
        (PACKED * 50, TEXT * 50),
    ],
)
def test_all_members_are_unpacked_and_zeros_may_follow(data: bytes, text: bytes, size: int) -> None:
    assert b"".join(unpacked(cut(data, size), max_bytes=len(text))) == text


@pytest.mark.parametrize("size", [1, 2, 3, 1 << 20])
@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (PACKED[:-1], "gzip_truncated", "ends in the middle"),
        (PACKED[:5], "gzip_truncated", "ends in the middle"),
        (PACKED[:-8] + b"\x00" * 8, "gzip_damaged", "cannot be unpacked"),
        (PACKED + b"junk", "gzip_damaged", f"at byte {len(PACKED) + 1}."),
        (PACKED + b"\x1f", "gzip_damaged", f"at byte {len(PACKED) + 1}."),
        (PACKED + b"\x00\x00x", "gzip_damaged", f"at byte {len(PACKED) + 3}."),
        (PACKED + b"\x00" + PACKED, "gzip_damaged", f"at byte {len(PACKED) + 2}."),
    ],
)
def test_what_cannot_be_unpacked_is_told(data: bytes, code: str, words: str, size: int) -> None:
    found, detail = refusal(data, size)
    assert found == code
    assert words in detail


def test_the_limit_is_that_of_all_members_together() -> None:
    assert b"".join(unpacked((PACKED, PACKED), max_bytes=2 * len(TEXT))) == TEXT + TEXT
    assert refusal(PACKED + PACKED, max_bytes=2 * len(TEXT) - 1)[0] == "too_large"
    assert refusal(PACKED, max_bytes=0)[0] == "too_large"


def test_a_bomb_is_given_in_small_pieces_and_stopped() -> None:
    bomb = gzip.compress(b"a" * 20_000_000)
    given = []
    with pytest.raises(NoText, match="more than 5000000 bytes"):
        given += [len(piece) for piece in unpacked((bomb,), max_bytes=5_000_000)]
    pieces = [len(piece) for piece in unpacked((bomb,), max_bytes=20_000_000)]
    assert sum(pieces) == 20_000_000
    assert max(pieces) <= gzip_members.ANSWERED


def test_random_bytes_that_do_not_compress_come_out_too() -> None:
    noise = random.Random(1).randbytes(300_000)  # noqa: S311 - a fixed sequence
    assert b"".join(unpacked(cut(gzip.compress(noise), 70_000), max_bytes=len(noise))) == noise
