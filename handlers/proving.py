"""A release is read back as its readers do, and held against the answers that were stored with it: its golden rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from handlers.domain.axes import Columns
from handlers.domain.release import Release
from handlers.domain.scorer import EstimatorFailed, Opener, Scorer, nobody
from handlers.storage import releases
from handlers.storage.releases import ReleaseError

GOLDEN = "golden.json"
PIPELINE_TOLERANCE = 1e-6
"""In log-odds. A scorecard answers to the last bit; a library's sums over rows may depend on the rows beside them."""


class Unproved(ReleaseError):
    """A release that is as it was signed does not answer its golden rows: it, or what reads it, is at fault."""


def proved(folder: Path, version: int, keys: Path, opener: Opener = nobody) -> Release:
    """A release from the folder of releases, ready to serve: signature, hashes and golden rows have been checked.

    ``keys``: the folder with the public key, or its file. ``opener`` says how a pipeline is asked, where there is no
    scorecard; nothing is unpickled but by that, and of files that nobody has use for only the hash is made. Raises
    ReleaseError, Unproved where it gives other predictions than were stored with it, and NotAnswering.
    """
    contents = releases.read_files(folder, version, keys, wanted=(*releases.wanted(opener), GOLDEN))
    release = releases.decode(version, contents, opener)
    try:
        same = _answers(release.scorer, contents[GOLDEN])
    except (KeyError, ValueError) as error:
        raise ReleaseError(f"Release {version}: its golden rows cannot be read: {error}") from error
    except EstimatorFailed as error:
        raise Unproved(f"release {version} does not answer: {error}") from error
    if not same:
        raise Unproved(f"release {version} does not give the predictions that were stored with it")
    return release


def golden(columns: Columns, scorer: Scorer) -> bytes:
    """These rows, with what the scorer says of them, to be stored with its release."""
    listed = {
        name: [None if isinstance(value, float) and np.isnan(value) else value for value in values.tolist()]
        for name, values in columns.items()
    }
    return msgspec.json.encode({"columns": listed, "log_odds": scorer.log_odds(columns).tolist()})


def _answers(scorer: Scorer, stored: bytes) -> bool:
    rows = msgspec.json.decode(stored)
    columns: dict[str, NDArray[Any]] = {
        feature.name: np.array(
            [np.nan if value is None and feature.numeric else value for value in rows["columns"][feature.name]],
            dtype=np.float64 if feature.numeric else object,
        )
        for feature in scorer.features
    }
    said, expected = scorer.log_odds(columns), rows["log_odds"]
    if scorer.form == "scorecard":
        return bool(said.tolist() == expected)
    return len(said) == len(expected) and bool((np.abs(said - np.array(expected)) <= PIPELINE_TOLERANCE).all())
