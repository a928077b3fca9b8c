"""Whether the files of the release that is served are still those that it was read from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from handlers.domain.files import FileStamp
from handlers.domain.release import Release
from handlers.storage import releases
from handlers.storage.releases import ReleaseError


class ReleaseCheck:
    """They are stamped at each look, and read again where a stamp is another one, or they were wrong.

    The release answers from memory, so what becomes of its files changes no answer before the next start.
    """

    def __init__(self, releases: Path, keys: Path, served: Callable[[], Release | None]) -> None:
        """``releases``: their folder; ``keys``: the folder with the public key; ``served``: the release in memory."""
        self._releases = releases
        self._keys = keys
        self._served = served
        self._seen: tuple[int, dict[str, FileStamp] | None] | None = None
        self._found: str | None = None

    def look(self) -> str | None:
        """What is wrong, or None. May hang where the disk does."""
        release = self._served()
        if release is None:
            return None
        version = release.version
        stamps = releases.stamps(self._releases, version)
        if self._found is not None or (version, stamps) != self._seen:
            self._found = self._read(version)
            self._seen = (version, stamps)
        return self._found

    def _read(self, version: int) -> str | None:
        try:
            releases.read_files(self._releases, version, self._keys, wanted=())
        except ReleaseError as error:
            what = "Put its files back from a copy, or deploy another one; find out who wrote to the folder."
            why = f"{error}".removesuffix(".")
            return f"{why}. Model {version} is answered from memory; after a restart it could not be. {what}"
        return None
