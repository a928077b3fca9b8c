"""Which release is served: proved by its golden rows, recorded, linked; and back to an older one."""

from __future__ import annotations

import contextlib

from handlers import proving
from handlers.decision_state import read_state, write_state
from handlers.domain.decisions import transitions
from handlers.domain.facts import Fact
from handlers.domain.release import Release
from handlers.domain.scorer import NotAnswering
from handlers.house import House
from handlers.retention import prune_releases
from handlers.storage import decisions, events, models, releases
from handlers.storage.releases import ReleaseError

EVERY_RELEASE = 10_000


class NotDeployable(Exception):
    """A release cannot be deployed; the message says why. The champion stays."""


def proved(house: House, version: int) -> Release:
    """Read a release back through the readers' path and hold it against its golden rows.

    Raises ReleaseError, NotDeployable where it gives other predictions than were stored with it, and NotAnswering.
    """
    try:
        return proving.proved(house.workspace.releases, version, house.workspace.keys, house.pipelines)
    except proving.Unproved as error:
        raise NotDeployable(str(error)) from error


def activate(house: House, version: int) -> tuple[Release, Fact]:
    """Make another release the current one: proved first, then one commit, then the links.

    Returns it, and what has happened: the way back to an older release, or forward to a newer one.
    Raises ReleaseError or NotDeployable, and then the champion stays.
    """
    release = proved(house, version)
    with house.ledger.write() as connection:
        if not (house.workspace.releases / str(version)).is_dir():
            raise NotDeployable(f"The folder of model {version} has just been removed (retention.releases).")
        before = models.current(connection)
        if before == version:  # the sums of its judgement, and the way back, stay as they are
            event, what = "model.kept", f"Model {version} is the current one already."
        else:
            models.set_current(connection, version)
            block = decisions.newest(connection)
            state = transitions.by_hand(read_state(connection), release.incumbent, release.reference, block)
            write_state(connection, state)
            event = "model.rolled_back" if before is not None and version < before else "model.promoted"
            what = f"Model {version} was deployed by hand" + ("." if before is None else f" over {before}.")
        told = Fact(event, {"model_version": version, "before": before, "detail": what})
        events.add(connection, [told], at=house.now())
    link(house)
    return release, told


def link(house: House) -> None:
    """Remake the links from the ledger, and remove the folders of releases beyond those that are kept.

    Two processes deploy. Done inside a transaction, what one of them links is never older than the ledger, and what
    it removes is not what the other has just made current.
    """
    with house.ledger.write() as connection:
        current, previous = models.current(connection), models.previous(connection)
        versions = [model.version for model in models.page(connection, limit=EVERY_RELEASE)]
        releases.link(house.workspace.production, current=current, previous=previous)
        keep = {version for version in (current, previous) if version is not None}
        prune_releases(house.workspace.releases, newest_first=versions, keep=keep, settings=house.learning.retention)


def current(house: House, *, known: Release | None = None) -> Release | None:
    """The release that the ledger says is current, ready to serve; None before the first.

    ``known`` is answered where it is still the current one. Raises ReleaseError, for golden rows that are not
    answered as they were stored, too, and NotAnswering.
    """
    with house.ledger.read() as connection:
        version = models.current(connection)
    if version is None or (known is not None and known.version == version):
        return known if version is not None else None
    return proving.proved(house.workspace.releases, version, house.workspace.keys, house.pipelines)


def last_good(house: House) -> Release | None:
    """What can be served where the current release cannot: the previous one, else the newest that can be used.

    The ledger is not asked to forget what is current, and nothing is written.
    """
    with house.ledger.read() as connection:
        now, before = models.current(connection), models.previous(connection)
        listed = [model.version for model in models.page(connection, limit=EVERY_RELEASE)]
    for version in dict.fromkeys([before, *listed]):
        if version is not None and version != now:
            with contextlib.suppress(ReleaseError, NotAnswering):
                return proving.proved(house.workspace.releases, version, house.workspace.keys, house.pipelines)
    return None


def exists(house: House, version: int) -> bool:
    """Was there ever a release with this number?"""
    with house.ledger.read() as connection:
        return models.find(connection, version) is not None


def choose(house: House, version: int | None) -> int:
    """The version to go to; None means the previous one. Raises NotDeployable where there is no such release."""
    with house.ledger.read() as connection:
        wanted = models.previous(connection) if version is None else version
        if wanted is None:
            raise NotDeployable("There is no previous release to go back to.")
        if models.find(connection, wanted) is None:
            raise NotDeployable(f"There is no model {wanted}; `attritiond models` lists those that there are.")
    if not (house.workspace.releases / str(wanted)).is_dir():
        raise NotDeployable(f"The folder of model {wanted} was removed (retention.releases); it cannot be deployed.")
    return wanted
