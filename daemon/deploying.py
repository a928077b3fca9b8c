"""The champion in memory: it follows the ledger, is deployed by hand at once, and is never worse than the last good."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from daemon import log
from handlers import activation
from handlers.activation import NotDeployable
from handlers.domain.release import Release
from handlers.house import House
from handlers.storage.releases import ReleaseError
from server.services import Champion, DeploymentRefused

PROBLEM = "model"


class Deploying:
    """What is served, and how it is replaced: everything that can fail first, then one reference.

    ``problems`` says under ``model`` why the current release is not the one that is served.
    """

    def __init__(
        self, house: House, champion: Champion, settled: Callable[[Release | None], None] = lambda _: None
    ) -> None:
        """``settled`` is told what is served, after each try to serve another release."""
        self.house = house
        self._settled = settled
        self.problems: dict[str, str] = {}
        self._champion = champion
        self._turn = asyncio.Lock()
        """So that what was read first is never put over what was read later."""

    async def follow(self) -> bool:
        """Serve the release that the ledger calls current; False where it cannot be used.

        Then the one in memory stays; where there is none yet, the last good one is taken.
        """
        async with self._turn:
            try:
                release = await asyncio.to_thread(activation.current, self.house, known=self._champion.release)
            except (ReleaseError, SQLAlchemyError, OSError) as error:
                await self._refused(str(getattr(error, "orig", None) or error))
                return False
            else:
                self.problems.pop(PROBLEM, None)
                self._swap(release)
                return True
            finally:
                self._settled(self._champion.release)

    async def deploy(self, version: int | None) -> int:
        """Make a release the current one (None: the previous), and serve it. Raises DeploymentRefused.

        The front does this itself: nobody who goes back to an older model should wait for a training, for a group of
        files, or for the newest drop to be ranked anew.
        """
        async with self._turn:
            try:
                if version is not None and not await asyncio.to_thread(activation.exists, self.house, version):
                    raise DeploymentRefused(
                        f"There is no model {version}; /v1/models lists those that there are.", unknown=True
                    )
                chosen = await asyncio.to_thread(activation.choose, self.house, version)
                release, told = await asyncio.to_thread(activation.activate, self.house, chosen)
            except (ReleaseError, NotDeployable) as error:
                raise DeploymentRefused(str(error)) from error
            except (SQLAlchemyError, OSError) as error:
                what = getattr(error, "orig", None) or error
                raise DeploymentRefused(f"It could not be deployed: {what}. Try again.") from error
            else:
                self.problems.pop(PROBLEM, None)
                log.emit(told.event, **told.fields)
                self._swap(release)
            finally:
                self._settled(self._champion.release)
        return chosen

    def _swap(self, release: Release | None) -> None:
        before = self._champion.release
        self._champion.release = release
        if release is not None and release is not before:
            log.emit("release.served", model_version=release.version, before=None if before is None else before.version)

    async def _refused(self, why: str) -> None:
        if self._champion.release is None:
            self._swap(await asyncio.to_thread(self._last_good))
        served = self._champion.release
        detail = why if served is None else f"{why.removesuffix('.')}. Model {served.version} is served meanwhile."
        if self.problems.get(PROBLEM) != detail:
            log.emit("release.refused", detail=detail, serving=None if served is None else served.version)
        self.problems[PROBLEM] = detail

    def _last_good(self) -> Release | None:
        try:
            return activation.last_good(self.house)
        except (SQLAlchemyError, OSError):
            return None  # the ledger is at fault, which is what was told already
