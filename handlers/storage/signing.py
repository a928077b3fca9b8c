"""Ed25519 signatures of releases. The private key is made at the first start; readers need the public one only."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from handlers.storage.atomic import fsync_folder, write_atomically

PRIVATE_NAME = "release.key"
PUBLIC_NAME = "release.pub"


class SignatureError(Exception):
    """A signature does not fit, or a key is missing or of another kind; the message says which file."""


def make_keys(folder: Path) -> None:
    """Make the pair of keys where there is none; the private one is readable by its owner alone."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    private_path = folder / PRIVATE_NAME
    if not private_path.exists():
        key = Ed25519PrivateKey.generate()
        temporary = folder / f".{PRIVATE_NAME}.{os.getpid()}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(private_path)
        fsync_folder(folder)
    public = _private(folder).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    public_path = folder / PUBLIC_NAME
    if not public_path.exists() or public_path.read_bytes() != public:
        write_atomically(public_path, public)


def sign(folder: Path, content: bytes) -> bytes:
    """The 64-byte signature of ``content``."""
    return _private(folder).sign(content)


def verify(keys: Path, content: bytes, signature: bytes, *, what: str) -> None:
    """Raise SignatureError, naming ``what``, unless the signature is that of our key over ``content``.

    ``keys``: the folder of the keys, or the file of the public one.
    """
    path, key = public_key(keys)
    try:
        key.verify(signature, content)
    except InvalidSignature as error:
        raise SignatureError(f"The signature of {what} is not that of {path}.") from error


def public_key(keys: Path) -> tuple[Path, Ed25519PublicKey]:
    """The public key and its file; ``keys`` as for ``verify``. Raises SignatureError where it cannot be used."""
    path = keys / PUBLIC_NAME if keys.is_dir() else keys
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SignatureError(f"The public key {path} cannot be read: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SignatureError(f"The public key {path} is not an Ed25519 key.")
    return path, key


def _private(folder: Path) -> Ed25519PrivateKey:
    path = folder / PRIVATE_NAME
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise SignatureError(f"The private key {path} cannot be read: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SignatureError(f"The private key {path} is not an Ed25519 key.")
    return key
