"""Signatures: made with a key that nobody else reads, checked with the public one alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.storage import signing
from handlers.storage.signing import PRIVATE_NAME, PUBLIC_NAME, SignatureError, make_keys, sign, verify


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder)
    return folder


def test_the_private_key_is_its_owners_alone_and_making_keys_again_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    make_keys(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    make_keys(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert set(before) == {PRIVATE_NAME, PUBLIC_NAME}
    assert stat.S_IMODE((folder / PRIVATE_NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_public_key_that_is_missing_or_of_another_pair_is_made_anew(tmp_path: Path, keys: Path) -> None:
    make_keys(tmp_path)
    right = (tmp_path / PUBLIC_NAME).read_bytes()
    (tmp_path / PUBLIC_NAME).write_bytes((keys / PUBLIC_NAME).read_bytes())
    make_keys(tmp_path)
    assert (tmp_path / PUBLIC_NAME).read_bytes() == right
    (tmp_path / PUBLIC_NAME).unlink()
    make_keys(tmp_path)
    assert (tmp_path / PUBLIC_NAME).read_bytes() == right


@given(content=st.binary(max_size=50), place=st.integers(0, 63), other=st.binary(max_size=50))
def test_only_the_signature_of_that_content_is_accepted(keys: Path, content: bytes, place: int, other: bytes) -> None:
    signature = sign(keys, content)
    verify(keys, content, signature, what="it")
    changed = bytes(byte ^ (1 if index == place else 0) for index, byte in enumerate(signature))
    for wrong in (changed, signature[:-1], b"", signature + b"x"):
        with pytest.raises(SignatureError, match="signature of it"):
            verify(keys, content, wrong, what="it")
    if other != content:
        with pytest.raises(SignatureError):
            verify(keys, other, signature, what="it")


def test_a_reader_needs_the_public_key_only(tmp_path: Path, keys: Path) -> None:
    (tmp_path / PUBLIC_NAME).write_bytes((keys / PUBLIC_NAME).read_bytes())
    verify(tmp_path, b"x", sign(keys, b"x"), what="it")


@pytest.mark.parametrize("content", [None, b"", b"no key"])
def test_a_public_key_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / PUBLIC_NAME).write_bytes(content)
    with pytest.raises(SignatureError, match=PUBLIC_NAME):
        verify(tmp_path, b"x", b"y", what="it")


@pytest.mark.parametrize("content", [b"", b"no key"])
def test_a_private_key_that_cannot_be_read_is_named_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / PRIVATE_NAME).write_bytes(content)
    with pytest.raises(SignatureError, match=PRIVATE_NAME):
        signing.make_keys(tmp_path)
    assert (tmp_path / PRIVATE_NAME).read_bytes() == content
