"""The scores that people were given: of a client who was ranked before the label came, the score of that list."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from handlers.domain.schema import FILE_COLUMN
from handlers.house import House
from handlers.storage import parts
from handlers.storage.parts import PartKind
from handlers.training_window import Window


def given(
    house: House, window: Window, probabilities: NDArray[np.float64], version: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """For each of n rows the probability that was given and the model that gave it: float64[n], int64[n].

    Rows that came with their labels were never ranked: for them it is what the current model, ``version``, says.
    """
    shown = probabilities.copy()
    models = np.full(len(shown), version, dtype=np.int64)
    files = np.unique(window.table[FILE_COLUMN].to_numpy()).tolist()
    with house.ledger.read() as connection:
        listed = [one for one in parts.owned(connection, PartKind.RANKED, files) if one.model is not None]
        for part, table in parts.read_all(connection, house.workspace.parts, listed, ["row", "probability"]):
            rows = table["row"].to_numpy()
            order = np.argsort(rows)
            places = order[np.minimum(np.searchsorted(rows, window.rows, sorter=order), len(rows) - 1)]
            ranked = rows[places] == window.rows
            shown[ranked] = table["probability"].to_numpy()[places[ranked]]
            models[ranked] = part.model or version
    return shown, models
