"""Whether the files of the release that is served are still those that it was read from."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from handlers.domain.files import FileStamp
from handlers.domain.release import Release
from handlers.storage import releases
from handlers.storage.releases import ReleaseError

AGAIN_SECONDS = 60.0
"""A disk may have been at fault, and no file."""


class ReleaseCheck:
    """They are stamped at each look, and read again where a stamp is another one; now and then where they were wrong.

    The release answers from memory, so what becomes of its files changes no answer before the next start.
    """

    def __init__(self, releases: Path, keys: Path, served: Callable[[], Release | None]) -> None:
        """``releases``: their folder; ``keys``: the folder with the public key; ``served``: the release in memory.

        ``found`` is what the last look has found.
        """
        self._releases = releases
        self._keys = keys
        self._served = served
        self._seen: tuple[int, dict[str, FileStamp] | None] | None = None
        self._read_at = 0.0
        self.found: str | None = None

    def look(self) -> str | None:
        """What is wrong, or None. May hang where the disk does."""
        release = self._served()
        if release is None:
            self.found = None
            return None
        version = release.version
        stamps = releases.stamps(self._releases, version)
        again = self.found is not None and time.monotonic() - self._read_at > AGAIN_SECONDS
        if again or (version, stamps) != self._seen:
            self.found = self._read(version)
            self._seen, self._read_at = (version, stamps), time.monotonic()
        return self.found

    def _read(self, version: int) -> str | None:
        try:
            releases.read_files(self._releases, version, self._keys, wanted=())
        except ReleaseError as error:
            what = "Put its files back from a copy, or deploy another one; find out who wrote to the folder."
            why = f"{error}".removesuffix(".")
            return f"{why}. Model {version} is answered from memory; after a restart it could not be. {what}"
        return None
