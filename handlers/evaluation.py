"""Every model on rows that it has not learned from: what is said of a block is kept before anything is learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection

from handlers.domain.decisions.loss_level import probabilities_of
from handlers.domain.decisions.units import Unit, pooled
from handlers.domain.metrics import Metrics, measure
from handlers.domain.release import Release
from handlers.domain.running_scores import RunningScores
from handlers.domain.scorer import Scorer
from handlers.house import House
from handlers.scores_given import given
from handlers.storage import parts
from handlers.storage.ledger import PREQUENTIAL, RUNNING_SCORES, get_fact
from handlers.storage.parts import Part, PartKind, Prepared
from handlers.training_window import Window

SAID = "said:"
"""Before the name of a scorer: the column of its log-odds."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A block's rows, with what each model says of them. ``metrics``: of the scores that were given to people, which
    are the champion's but where an older model had ranked the client; ``running``: of these and of all rows that were
    ever scored before they were learned from; ``part``: to be recorded in the ledger."""

    unit: Unit
    metrics: Metrics
    running: RunningScores
    part: Prepared

    @property
    def facts(self) -> dict[str, Any]:
        """What the ledger keeps of the scores, to be replaced at each commit of a decision."""
        return {PREQUENTIAL: self.running.metrics(), RUNNING_SCORES: msgspec.to_builtins(self.running)}


def score(house: House, window: Window, block: int, champion: Release, scorers: Mapping[str, Scorer]) -> Scored | None:
    """Score a block's rows with every scorer, the champion's among them. None without rows."""
    if not len(window.labels):
        return None
    unit = unit_of(window, block, scorers)
    said = unit.said
    version, threshold = champion.version, champion.scorer.threshold
    shown, models = given(house, window, probabilities_of(said[champion.incumbent.scorer]), version)
    predictions = (shown >= threshold).astype(np.int8)
    metrics = measure(window.labels, shown, threshold)
    stored = pa.table(
        {
            "row": window.rows,
            "client": window.clients,
            "label": window.labels,
            "probability": shown,
            "prediction": predictions,
            "model": models,
            **{SAID + name: log_odds for name, log_odds in said.items()},
        }
    )
    part = Part(f"scores-{block:08d}", PartKind.SCORES, stored.num_rows, 0, 0, owner=block, model=version)
    running = _so_far(house).with_rows(window.labels, shown, predictions)
    return Scored(unit, metrics, running, parts.prepare(house.workspace.parts, part, stored))


def unit_of(window: Window, block: int, scorers: Mapping[str, Scorer]) -> Unit:
    """A block's rows with what each scorer says of them."""
    said = {name: window.log_odds(one) for name, one in scorers.items()}
    return Unit((block,), window.rows, window.labels, window.clients, said)


def earlier(house: House, units: Sequence[Sequence[int]]) -> list[Unit]:
    """The units of these blocks, as they were scored; blocks that were not are left out, and units without any."""
    wanted = [block for blocks in units for block in blocks]
    with house.ledger.read() as connection:
        by_block = _stored(connection, house, wanted)
    return among(by_block, units)


def among(by_block: Mapping[int, Unit], units: Sequence[Sequence[int]]) -> list[Unit]:
    """The units of these blocks, of those that were scored."""
    found = [[by_block[block] for block in blocks if block in by_block] for blocks in units]
    return [pooled(one) for one in found if one]


def _so_far(house: House) -> RunningScores:
    """The scores of all rows of earlier blocks, as the ledger keeps them."""
    with house.ledger.read() as connection:
        stored = get_fact(connection, RUNNING_SCORES)
        return _counted(connection, house) if stored is None else msgspec.convert(stored, RunningScores)


def _counted(connection: Connection, house: House) -> RunningScores:
    """Of a ledger that has no counts yet: read once from what is stored."""
    found, columns = RunningScores(), ["label", "probability", "prediction"]
    listed = parts.listed(connection, PartKind.SCORES)
    for _, table in parts.read_all(connection, house.workspace.parts, listed, columns):
        found = found.with_rows(*(table[name].to_numpy() for name in columns))
    return found


def _stored(connection: Connection, house: House, blocks: Sequence[int]) -> dict[int, Unit]:
    listed = parts.owned(connection, PartKind.SCORES, blocks)
    return {
        int(part.owner or 0): _unit(int(part.owner or 0), table)
        for part, table in parts.read_all(connection, house.workspace.parts, listed)
    }


def _unit(block: int, table: pa.Table) -> Unit:
    said: dict[str, NDArray[np.float64]] = {
        name.removeprefix(SAID): table[name].to_numpy() for name in table.column_names if name.startswith(SAID)
    }
    clients = table["client"] if "client" in table.column_names else table["row"]
    return Unit((block,), table["row"].to_numpy(), table["label"].to_numpy(), clients.to_numpy(), said)
