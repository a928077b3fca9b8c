"""A release is read back as its readers do, and held against the answers that were stored with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from handlers.domain.release import Release
from handlers.storage import releases
from handlers.storage.releases import ReleaseError

GOLDEN = "golden.json"


class Unproved(ReleaseError):
    """A release that is as it was signed does not answer its golden rows: it, or what reads it, is at fault."""


def proved(folder: Path, version: int, keys: Path) -> Release:
    """A release from the folder of releases, ready to serve: signature, hashes and golden rows have been checked.

    ``keys``: the folder with the public key. Nothing is unpickled, and of files that serving has no use for only the
    hash is made. Raises ReleaseError, and Unproved where it gives other predictions than were stored with it.
    """
    contents = releases.read_files(folder, version, keys, wanted=(*releases.SERVED, GOLDEN))
    release = releases.decode(version, contents)
    try:
        golden = msgspec.json.decode(contents[GOLDEN])
        same = release.scorecard.log_odds(_columns(release, golden["columns"])).tolist() == golden["log_odds"]
    except (KeyError, ValueError) as error:
        raise ReleaseError(f"Release {version}: its golden rows cannot be read: {error}") from error
    if not same:
        raise Unproved(f"release {version} does not give the predictions that were stored with it")
    return release


def _columns(release: Release, golden: Mapping[str, list[Any]]) -> dict[str, NDArray[Any]]:
    return {
        feature.name: np.array(
            [np.nan if value is None and feature.numeric else value for value in golden[feature.name]],
            dtype=np.float64 if feature.numeric else object,
        )
        for feature in release.scorecard.features
    }
