"""HTTPS: the certificate that connections are answered with, which may be renewed while they last."""

from __future__ import annotations

import ssl
from datetime import datetime
from pathlib import Path

from handlers.storage import certificates
from handlers.storage.certificates import CertificateError


class Certificate:
    """``context`` is what the server listens with; ``valid_until`` is the end of the current certificate.

    A new connection is handed to the newest context, so a renewed certificate is one reference that changes, and
    connections that are open keep theirs.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises CertificateError."""
        self._paths = (certificate, key)
        self._current, self.valid_until = self._load()
        self.context = self._current
        self.context.sni_callback = self._choose  # asked at the beginning of each connection, with a name or without

    def renew(self) -> None:
        """Take the files as they are now for new connections. Raises CertificateError; then the old ones stay."""
        self._current, self.valid_until = self._load()

    def _load(self) -> tuple[ssl.SSLContext, datetime]:
        certificate, key = self._paths
        valid_until = certificates.check(certificate, key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(certificate, key, password=_no_password)
        except (ssl.SSLError, OSError, ValueError) as error:
            what = "Take a certificate with a key of at least 2048 bits (RSA) or 256 bits (EC)."
            raise CertificateError("tls_certificate", f"{certificate}: it cannot be used: {error}. {what}") from error
        return context, valid_until

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._current


def _no_password() -> str:
    """Never ask on the terminal; ``certificates.check`` has seen that the key has none."""
    return ""
