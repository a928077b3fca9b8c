"""Models in the shapes that the API and the command line answer with: releases, and challengers in waiting."""

from __future__ import annotations

from typing import Literal, TypedDict

from sqlalchemy import Connection

from handlers.decision_state import read_state
from handlers.domain.decisions.recipes import Shadow
from handlers.domain.release import Release
from handlers.records import DecisionItem, Page, decision_item, next_cursor
from handlers.storage import decisions, models
from handlers.storage.decisions import DecisionRecord
from handlers.storage.ledger import PREQUENTIAL, Ledger, get_fact
from handlers.storage.models import ModelRecord

#: Releases in the history of scores.
HISTORY = 100

Scores = dict[str, float | int | None]


class ModelItem(TypedDict):
    """A release. ``state``: current, previous or retired. ``metrics``: of its recipe on held-out rows before the final
    refit."""

    version: int
    state: str
    provisional: bool
    estimator: str
    trained_rows: int
    dataset_version: int
    metrics: Scores
    deployed_at: str


class ChallengerItem(TypedDict):
    """A challenger in waiting: it scores each new block and is never served. ``trained_rows``: the labelled rows of the
    blocks ``first_block`` to ``last_block``, of which the newest ``training.max_rows`` are learned from."""

    name: str
    version: None
    state: Literal["challenger"]
    provisional: bool
    estimator: str
    trained_rows: int
    dataset_version: int
    metrics: Scores
    deployed_at: None
    first_block: int
    last_block: int


class ModelsPage(Page[ModelItem]):
    """A part of the list of releases, and all challengers in waiting."""

    challengers: list[ChallengerItem]


class ModelDetail(ModelItem):
    """A release, with the decision that made it where there was one."""

    decision: DecisionItem | None


class EvaluatedOn(TypedDict):
    """The rows behind the score: ``testdata``, or ``held_out`` rows of the data set."""

    what: str
    rows: int | None


class HistoryItem(TypedDict):
    """The held-out score of a release."""

    version: int
    f1: float | None
    deployed_at: str


class Scoring(TypedDict):
    """How good the current release is.

    ``metrics``: of its recipe on held-out rows; ``prequential``: over all rows scored before they were learned from.
    """

    model_version: int
    f1: float | None
    metrics: Scores
    evaluated_on: EvaluatedOn
    prequential: Scores | None
    test: Scores | None
    history: list[HistoryItem]


def models_page(ledger: Ledger, limit: int, cursor: int | None = None) -> ModelsPage:
    """Releases by their version; ``cursor`` is the last version that was seen."""
    with ledger.read() as connection:
        found = models.page(connection, limit=limit + 1, before=cursor)
        return {
            "items": [model_item(record) for record in found[:limit]],
            "next": next_cursor(found, limit, "version"),
            "challengers": challengers(connection),
        }


def challengers(connection: Connection) -> list[ChallengerItem]:
    """Those that are in waiting, in the order in which they were trained."""
    return [_challenger(connection, shadow) for shadow in read_state(connection).shadows]


def model(ledger: Ledger, version: int) -> ModelDetail | None:
    """One release, or None."""
    with ledger.read() as connection:
        record = models.find(connection, version)
        if record is None:
            return None
        made_by: list[DecisionRecord] = []
        if record.decision is not None:
            made_by = decisions.page(connection, limit=1, before=record.decision + 1)
    decision = made_by[0] if made_by and made_by[0].id == record.decision else None
    return {**model_item(record), "decision": None if decision is None else decision_item(decision)}


def scoring(ledger: Ledger, release: Release) -> Scoring:
    """How good a release is. ``f1`` is that of ``testdata`` where that exists, as in ``latestscore.txt``."""
    with ledger.read() as connection:
        prequential: Scores | None = get_fact(connection, PREQUENTIAL)
        history = models.page(connection, limit=HISTORY)
    return {
        **own_scoring(release),
        "prequential": prequential,
        "history": [
            {"version": record.version, "f1": record.metrics.get("f1"), "deployed_at": record.deployed_at}
            for record in history
        ],
    }


def own_scoring(release: Release) -> Scoring:
    """What a release says of itself, where nobody knows more: no prequential score, and no history."""
    what, measured = ("held_out", release.metrics) if release.test is None else ("testdata", release.test)
    rows = measured.get("rows")
    return {
        "model_version": release.version,
        "f1": measured.get("f1"),
        "metrics": dict(release.metrics),
        "evaluated_on": {"what": what, "rows": None if rows is None else int(rows)},
        "prequential": None,
        "test": None if release.test is None else dict(release.test),
        "history": [],
    }


def model_item(record: ModelRecord) -> ModelItem:
    """A release as the API shows it."""
    return {
        "version": record.version,
        "state": record.state,
        "provisional": record.provisional,
        "estimator": record.estimator,
        "trained_rows": record.trained_rows,
        "dataset_version": record.dataset_version,
        "metrics": record.metrics,
        "deployed_at": record.deployed_at,
    }


def _challenger(connection: Connection, shadow: Shadow) -> ChallengerItem:
    first, last = shadow.part.first, shadow.last
    made_by = decisions.find(connection, last)
    return {
        "name": shadow.name,
        "version": None,
        "state": "challenger",
        "provisional": False,
        "estimator": shadow.part.estimator,
        "trained_rows": sum(one.rows for one in decisions.members_between(connection, first, last)),
        "dataset_version": 0 if made_by is None else made_by.dataset_version,
        "metrics": {},
        "deployed_at": None,
        "first_block": first,
        "last_block": last,
    }
