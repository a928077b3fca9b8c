"""The champion in memory, over a ledger and releases of cardboard."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from daemon import deploying, log
from daemon.deploying import Deploying
from handlers.activation import NotDeployable
from handlers.domain.facts import Fact
from handlers.domain.release import Release
from handlers.storage.releases import ReleaseError
from server.services import Champion, DeploymentRefused
from tests.unit.server.small_house import release


class Stage:
    """What the ledger and the folder of releases say; ``told`` is what was logged."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.current: Release | Exception | None = None
        self.good: Release | None = None
        self.champion = Champion()
        house: Any = None
        self.deploying = Deploying(house, self.champion)
        self.told: list[tuple[str, dict[str, Any]]] = []
        monkeypatch.setattr(log, "emit", lambda event, **fields: self.told.append((event, fields)))
        for name in ("current", "last_good", "exists", "choose", "activate"):
            monkeypatch.setattr(deploying.activation, name, getattr(self, f"_{name}"))

    def _current(self, _house: Any, *, known: Release | None) -> Release | None:
        if isinstance(self.current, Exception):
            raise self.current
        return self.current

    def _last_good(self, _house: Any) -> Release | None:
        return self.good

    def _exists(self, _house: Any, version: int) -> bool:
        return version < 9

    def _choose(self, _house: Any, version: int | None) -> int:
        return 1 if version is None else version

    def _activate(self, _house: Any, version: int) -> tuple[Release, Fact]:
        if isinstance(self.current, Exception):
            raise self.current
        self.current = numbered(version)
        return self.current, Fact("model.rolled_back", {"model_version": version, "before": 2, "detail": ""})

    def events(self) -> list[str]:
        return [event for event, _ in self.told]

    @property
    def served(self) -> int | None:
        return None if self.champion.release is None else self.champion.release.version


def numbered(version: int) -> Release:
    return replace(release(), version=version)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


async def test_the_current_release_is_served_and_said_once(stage: Stage) -> None:
    stage.current = numbered(2)
    assert await stage.deploying.follow()
    assert await stage.deploying.follow()
    assert stage.served == 2
    assert stage.told == [("release.served", {"model_version": 2, "before": None})]


async def test_where_the_current_one_cannot_be_used_at_the_start_the_last_good_one_is_served(stage: Stage) -> None:
    stage.current, stage.good = ReleaseError("Release 2 is broken."), numbered(1)
    for _ in range(2):
        assert not await stage.deploying.follow()
        assert stage.served == 1
    detail = "Release 2 is broken. Model 1 is served meanwhile."
    assert stage.deploying.problems == {"model": detail}
    assert stage.told[1:] == [("release.refused", {"detail": detail, "serving": 1})], "it is said once"
    stage.current = numbered(2)
    assert await stage.deploying.follow()
    assert (stage.served, stage.deploying.problems) == (2, {})


async def test_where_there_is_no_good_one_nothing_is_served(stage: Stage) -> None:
    stage.current = ReleaseError("Release 1 is broken.")
    assert not await stage.deploying.follow()
    assert stage.served is None
    assert stage.told == [("release.refused", {"detail": "Release 1 is broken.", "serving": None})]


async def test_what_is_in_memory_stays_where_a_newer_release_cannot_be_used(stage: Stage) -> None:
    stage.current = numbered(2)
    await stage.deploying.follow()
    stage.current, stage.good = ReleaseError("Release 3 is broken."), numbered(1)
    assert not await stage.deploying.follow()
    assert stage.served == 2
    assert "Model 2 is served" in stage.deploying.problems["model"]


async def test_what_is_deployed_by_hand_is_served_before_the_answer(stage: Stage) -> None:
    stage.current = numbered(2)
    await stage.deploying.follow()
    assert await stage.deploying.deploy(None) == 1
    assert stage.served == 1
    assert stage.events() == ["release.served", "model.rolled_back", "release.served"]


@pytest.mark.parametrize("error", [ReleaseError("broken"), NotDeployable("other predictions"), OSError("disk full")])
async def test_what_cannot_be_deployed_leaves_what_is_served(stage: Stage, error: Exception) -> None:
    stage.current = numbered(2)
    await stage.deploying.follow()
    stage.current = error
    with pytest.raises(DeploymentRefused, match=str(error)):
        await stage.deploying.deploy(1)
    assert stage.served == 2
    assert stage.deploying.problems == {}


async def test_an_unknown_release_is_told_as_unknown(stage: Stage) -> None:
    with pytest.raises(DeploymentRefused) as refused:
        await stage.deploying.deploy(9)
    assert refused.value.unknown


async def test_of_many_deployments_at_once_the_ledgers_last_one_is_served(stage: Stage) -> None:
    await asyncio.gather(*(stage.deploying.deploy(version) for version in (3, 1, 4, 2, 5)), stage.deploying.follow())
    assert isinstance(stage.current, Release)
    assert stage.served == stage.current.version
