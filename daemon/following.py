"""A deployment folder is followed by its link, with the public key alone; what is good is served until better comes."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from daemon import log
from daemon.release_check import ReleaseCheck
from handlers.domain.release import Release
from handlers.proving import proved
from handlers.storage import releases
from handlers.storage.releases import Linked, ReleaseError, linked
from server.services import RELEASE, Champion, Readiness

MODEL = "model"
"""The check that says it."""
LOOK_SECONDS = 1.0
"""So often the link is looked at: two system calls, on a network's file system too."""


class Following:
    """Keeps ``champion`` at what the link ``current`` points to."""

    def __init__(self, production: Path, key: Path, champion: Champion) -> None:
        """``production``: the deployment folder; ``key``: the file of the public key."""
        self._trouble: str | None = None
        self._damage: str | None = None
        self._check = ReleaseCheck(production / "releases", key, lambda: champion.release)
        self._production = production
        self._key = key
        self._champion = champion
        self._served: Linked | None = None

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Serve what is linked, if it is another release than before and can be used; else say why not, once."""
        try:
            release = await asyncio.to_thread(self._read)
        except (ReleaseError, OSError) as error:
            if self._champion.release is None:
                release = await asyncio.to_thread(self._last_good)
                if release is not None:
                    self._champion.release = release
                    log.emit("release.served", model_version=release.version, before=None)
            self._refused(str(error))
            return
        if release is not None:
            before = self._champion.release
            self._champion.release = release
            log.emit("release.served", model_version=release.version, before=None if before is None else before.version)
        self._trouble = None
        damage = await asyncio.to_thread(self._check.look)
        if damage is not None and damage != self._damage:
            log.emit("release.damaged", detail=damage)
        self._damage = damage

    def _read(self) -> Release | None:
        """The release that is linked, None where it is the one that is served. Raises ReleaseError, OSError."""
        found = linked(self._production)
        if found is None:
            raise ReleaseError(f"There is no release yet: {self._production / 'current'} is not there.")
        if found == self._served:
            return None
        release = proved(self._production / "releases", found.version, self._key)
        self._served = found
        return release

    def _last_good(self) -> Release | None:
        """What can be served where the linked release cannot: the one before it, else the newest that can be used.

        All are signed with the same key.
        """
        folder = self._production / "releases"
        candidates: list[int] = []
        with contextlib.suppress(ReleaseError):
            before = linked(self._production, "previous")
            candidates += [] if before is None else [before.version]
        with contextlib.suppress(OSError):
            candidates += releases.versions(folder)
        for version in dict.fromkeys(candidates):
            with contextlib.suppress(ReleaseError, OSError):  # a replica holds no pipelines: NotAnswering
                return proved(folder, version, self._key)
        return None

    def readiness(self) -> Readiness:
        """Without a release it is not ready; with one, what is amiss with a newer one or with the folder is a warning.

        Every replica sees the same folder: a release that none of them accepts must not take all of them from behind
        their proxy.
        """
        found = {MODEL: self._trouble, RELEASE: self._damage if self._trouble is None else None}
        said = {check: sentence for check, sentence in found.items() if sentence is not None}
        return Readiness(problems=said) if self._champion.release is None else Readiness(warnings=said)

    def _refused(self, why: str) -> None:
        served = self._champion.release
        detail = why if served is None else f"{why.removesuffix('.')}. Model {served.version} is served meanwhile."
        if self._trouble != detail:
            log.emit("release.refused", detail=detail, serving=None if served is None else served.version)
        self._trouble = detail
