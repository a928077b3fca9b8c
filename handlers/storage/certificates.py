"""A TLS certificate and its key on disk: whether they can be used, and if not, which of the two is wrong, and how."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

_ANYBODY = 0o007


class CertificateError(Exception):
    """The pair cannot be used. ``key``: the setting of the file that is wrong; the message names the file and says
    what is wrong with it, and what to do."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def check(certificate: Path, key: Path) -> datetime:
    """Until when the certificate is valid. Raises CertificateError unless both are PEM files that belong together.

    A certificate that is no longer valid is no error: clients refuse it and say so, and files are taken meanwhile.
    """
    leaf = _certificate(certificate)
    private = _private(key)
    of_leaf, of_key = (
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for public in (leaf.public_key(), private.public_key())
    )
    if of_leaf != of_key:
        why = f"it is not the key of the certificate {certificate}, whose subject is {leaf.subject.rfc4514_string()}"
        raise CertificateError("tls_key", f"{key}: {why}. Name the two that were made together.")
    return leaf.not_valid_after_utc.astimezone(UTC)


def _certificate(path: Path) -> x509.Certificate:
    content, _ = _content("tls_certificate", path)
    try:
        return x509.load_pem_x509_certificates(content)[0]
    except ValueError as error:
        what = (
            "It must begin with the server's own certificate, -----BEGIN CERTIFICATE-----, then those of its issuers."
        )
        raise CertificateError("tls_certificate", f"{path}: there is no PEM certificate in it. {what}") from error


def _private(path: Path) -> PrivateKeyTypes:
    content, mode = _content("tls_key", path)
    if mode & _ANYBODY:
        why = f"anybody on this machine may read or change it (its mode is {mode:o})"
        raise CertificateError("tls_key", f"{path}: {why}. Let the daemon's user alone: chmod o-rwx {path}.")
    try:
        return load_pem_private_key(content, password=None)
    except TypeError as error:  # so the library says that it is encrypted
        what = "The daemon starts without anybody to ask; take a key without one, which the daemon's user alone reads."
        raise CertificateError("tls_key", f"{path}: it is protected by a password. {what}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        what = "It must hold -----BEGIN PRIVATE KEY-----, or -----BEGIN RSA (or EC) PRIVATE KEY-----."
        raise CertificateError("tls_key", f"{path}: there is no PEM private key in it. {what}") from error


def _content(key: str, path: Path) -> tuple[bytes, int]:
    """The bytes of a file and its permissions."""
    try:
        with path.open("rb") as file:
            return file.read(), stat.S_IMODE(os.fstat(file.fileno()).st_mode)
    except FileNotFoundError as error:
        raise CertificateError(key, f"{path}: there is no such file.") from error
    except OSError as error:
        what = "The daemon's user has to be able to read it"
        raise CertificateError(key, f"{path}: it cannot be read: {error.strerror or error}. {what}.") from error
