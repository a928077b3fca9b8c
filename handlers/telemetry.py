"""What the ledger has to say to whoever watches the daemon: counts that only grow, and where the judgement stands."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from handlers.decision_state import read_state
from handlers.domain.decisions.state import Phase, Reading
from handlers.storage import decisions, events, files, models
from handlers.storage.ledger import LABELLED_DRIFT, UNLABELLED_DRIFT, Ledger, get_fact, get_facts

MOST_COLUMNS = 200
"""Of a wider table the columns that moved most and matter most are told: each is a series for ever."""
OUTCOMES = ("ingested", "scored", "held", "released", "duplicate", "quarantined", "ignored", "failed")
VERDICTS = ("collected", "promoted", "kept", "held", "rolled_back", "failed")
"""What is counted from the start, so that the first one is seen to be one more."""
_FILE = "file."


@dataclass(frozen=True, slots=True)
class Step:
    """How often a step of the work has run, the seconds that it took in all, and those of the last time."""

    count: int
    seconds: float
    last_seconds: float


@dataclass(frozen=True, slots=True)
class ColumnShift:
    """How far a column has moved: its population stability index, and whether it alerts."""

    name: str
    psi: float
    alert: bool


@dataclass(frozen=True, slots=True)
class Shift:
    """The newest diagnosis of some rows. ``score``: the index of the scores; ``alerts``: of all columns, how many."""

    columns: tuple[ColumnShift, ...]
    score: float
    alerts: int


@dataclass(frozen=True, slots=True)
class Telemetry:
    """``files`` by state as they stand; ``outcomes``: how often a drop came to each outcome; ``verdicts``: decisions by
    theirs; ``steps`` by name. ``shifts``: of the newest ``labelled`` and ``unlabelled`` rows, as far as there are any.

    ``phase`` is None before the first model; ``reading``: the newest of the harm test that is about the current model;
    ``reference``: the loss that this model promised. ``deployed_at`` of the current model and ``last_drop_at`` are
    ISO 8601 UTC.
    """

    files: Mapping[str, int]
    outcomes: Mapping[str, int]
    verdicts: Mapping[str, int]
    rows_ingested: int
    steps: Mapping[str, Step]
    shifts: Mapping[str, Shift]
    phase: Phase | None
    reading: Reading | None
    reference: float | None
    deployed_at: str | None
    last_drop_at: str | None


class TelemetryReader:
    """Reads the ledger when asked, in any thread. Of what happened it reads only what is new since the last time."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._reading = threading.Lock()
        self._outcomes = Counter(dict.fromkeys(OUTCOMES, 0))
        self._seq = 0

    def read(self) -> Telemetry:
        """One snapshot. Raises what the ledger raises: SQLAlchemyError, OSError."""
        with self._reading, self._ledger.read() as connection:
            new, self._seq = events.counts(connection, after=self._seq)
            self._outcomes.update({name.removeprefix(_FILE): new[name] for name in new if name.startswith(_FILE)})
            return _telemetry(connection, dict(self._outcomes))


def _telemetry(connection: Connection, outcomes: Mapping[str, int]) -> Telemetry:
    timing: dict[str, dict[str, Any]] = get_fact(connection, "timing", {})
    state = read_state(connection)
    champion = state.champion
    newest = state.path[-1] if state.path else None
    mine = newest if newest is not None and champion is not None and newest.version == champion.version else None
    promised = None if state.reference is None else state.reference.mean
    current = models.current(connection)
    model = None if current is None else models.find(connection, current)
    return Telemetry(
        files=files.counts(connection),
        outcomes=outcomes,
        verdicts=dict.fromkeys(VERDICTS, 0) | decisions.verdicts(connection),
        rows_ingested=int(timing.get("ingestion", {}).get("rows", 0)),
        steps={name: _step(spent) for name, spent in timing.items()},
        shifts=_shifts(connection),
        phase=None if champion is None else state.phase,
        reading=mine,
        reference=promised if mine is None else mine.reference,
        deployed_at=None if model is None else model.deployed_at,
        last_drop_at=files.newest_arrival(connection),
    )


def _step(spent: Mapping[str, Any]) -> Step:
    """Ingestion counts files, the others count what they do."""
    return Step(int(spent.get("count", spent.get("files", 0))), float(spent["seconds"]), float(spent["last_seconds"]))


def _shifts(connection: Connection) -> dict[str, Shift]:
    found = get_facts(connection, LABELLED_DRIFT, UNLABELLED_DRIFT)
    names = {"labelled": LABELLED_DRIFT, "unlabelled": UNLABELLED_DRIFT}
    return {rows: _shift(found[fact]) for rows, fact in names.items() if found.get(fact)}


def _shift(diagnosis: Mapping[str, Any]) -> Shift:
    columns = diagnosis["columns"]
    shown = tuple(ColumnShift(one["name"], one["psi"], one["alert"]) for one in columns[:MOST_COLUMNS])
    return Shift(shown, diagnosis["score"]["psi"], sum(one["alert"] for one in columns))
