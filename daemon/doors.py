"""Tokens and TLS of a running server: read at the start, and taken anew when their files change."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from daemon import log
from daemon.configuration import ConfigurationError
from handlers.domain.files import FileStamp
from handlers.domain.rate_limit import RateLimit
from handlers.storage import tokens
from handlers.storage.tokens import NoTokensFile, TokensError
from server.auth import Keyring
from server.settings import ServerSettings

if TYPE_CHECKING:
    from server.tls import Certificate

LOOK_SECONDS = 1.0
"""So often it is looked whether the tokens file is another one: a revoked token works for that long."""


class Doors:
    """``keyring``: None where no tokens file is configured; ``certificate``: None where the server speaks plain HTTP.

    Its constructor raises ConfigurationError with everything that is wrong with the files.
    """

    def __init__(self, settings: ServerSettings, root: Path) -> None:
        self._tokens_file = None if settings.tokens_file is None else root / settings.tokens_file
        self._stamp: FileStamp | None = None
        self.keyring = None if self._tokens_file is None else Keyring(limit=_limit(settings))
        self.certificate: Certificate | None = None
        wrong = []
        try:
            self._take_tokens()
        except TokensError as error:
            wrong.append(f"server.tokens_file: {error}")
        if settings.tls_certificate is not None and settings.tls_key is not None:
            wrong += self._take_certificate(root / settings.tls_certificate, root / settings.tls_key)
        if wrong:
            raise ConfigurationError(tuple(wrong))

    @property
    def tls(self) -> ssl.SSLContext | None:
        """What to listen with."""
        return None if self.certificate is None else self.certificate.context

    async def watch(self) -> None:
        """Take the tokens again whenever their file has changed, until cancelled. Never ends by itself."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if (
                self._tokens_file is not None
                and await asyncio.to_thread(tokens.stamp, self._tokens_file) != self._stamp
            ):
                self.read_tokens_again()

    def reload(self) -> None:
        """SIGHUP: read all files again."""
        if self._tokens_file is not None:
            self.read_tokens_again()
        if self.certificate is not None:
            self._renew(self.certificate)

    def read_tokens_again(self) -> None:
        """Take the tokens as they are now; a file that is gone has none, and nobody is let in any more.

        A file that cannot be used is refused in the log, and the tokens that were known before stay.
        """
        try:
            count = self._take_tokens()
        except NoTokensFile as error:
            self._forget()
            log.emit("tokens.reloaded", accepted=False, tokens=0, detail=str(error))
        except TokensError as error:
            log.emit("tokens.reloaded", accepted=False, detail=str(error))
        else:
            log.emit("tokens.reloaded", accepted=True, tokens=count)

    def _take_tokens(self) -> int:
        """How many there are now. Raises TokensError; then nothing has changed, and the same file is not read again."""
        if self._tokens_file is None or self.keyring is None:
            return 0
        self._stamp = tokens.stamp(self._tokens_file)
        found = tokens.read(self._tokens_file)
        self._stamp = found.stamp
        self.keyring.replace(found.tokens)
        return len(found.tokens)

    def _take_certificate(self, certificate: Path, key: Path) -> list[str]:
        """What is wrong with the pair; nothing where it is taken. What reads it is imported by those who use TLS."""
        from handlers.storage.certificates import CertificateError
        from server.tls import Certificate

        try:
            self.certificate = Certificate(certificate, key)
        except CertificateError as error:
            return [f"server.{error.key}: {error}"]
        return []

    def _renew(self, certificate: Certificate) -> None:
        from handlers.storage.certificates import CertificateError

        try:
            certificate.renew()
        except CertificateError as error:
            log.emit("certificate.reloaded", accepted=False, detail=str(error))
        else:
            log.emit("certificate.reloaded", accepted=True, valid_until=certificate.valid_until.isoformat())

    def _forget(self) -> None:
        if self.keyring is not None:
            self.keyring.replace(())


def _limit(settings: ServerSettings) -> RateLimit | None:
    rate = settings.requests_per_second
    return None if rate is None else RateLimit(rate, settings.requests_burst)
