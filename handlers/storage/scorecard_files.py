"""A scorecard as files: a JSON document, and beside it the tables that are too large for that. Nothing is pickled."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

import msgspec
import numpy as np

from handlers.domain import scorecard as scorecards
from handlers.domain.scorecard import Scorecard

DOCUMENT, TABLES = "scorecard.json", "scorecard.npz"


def encode(scorecard: Scorecard) -> dict[str, bytes]:
    """The contents of its files by their names; without large tables it is one file."""
    document, arrays = scorecards.to_document(scorecard)
    files = {DOCUMENT: msgspec.json.format(msgspec.json.encode(document))}
    if arrays:
        stored = io.BytesIO()
        np.savez(stored, **arrays)  # type: ignore[arg-type]  # its stub takes the flag allow_pickle for an array's name
        files[TABLES] = stored.getvalue()
    return files


def decode(files: Mapping[str, bytes]) -> Scorecard:
    """Read back, bit for bit, what ``encode`` gave. Raises KeyError for a file that is not there, and ValueError that
    says what is wrong for anything else."""
    arrays: dict[str, np.ndarray] = {}
    if TABLES in files:
        try:
            with np.load(io.BytesIO(files[TABLES]), allow_pickle=False) as stored:
                arrays = dict(stored)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise ValueError(f"{TABLES}: {error}") from error
    return scorecards.from_document(msgspec.json.decode(files[DOCUMENT]), arrays)
