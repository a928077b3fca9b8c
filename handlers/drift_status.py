"""Where the judgement stands: the phase, the sums of the harm test and how they got there, what is weighed next."""

from __future__ import annotations

from typing import TypedDict

from sqlalchemy import Connection

from handlers.decision_state import read_state
from handlers.domain.decisions.loss_level import LossLevel
from handlers.domain.decisions.state import Reading
from handlers.drift_records import LabelledDrift, UnlabelledDrift
from handlers.model_records import ChallengerItem, challengers
from handlers.records import DecisionItem, decision_item, reason_item
from handlers.storage import decisions, files
from handlers.storage.ledger import LABELLED_DRIFT, UNLABELLED_DRIFT, Ledger, get_fact

DECISIONS = 20
"""So many of the last decisions are told."""


class HeldItem(TypedDict):
    """A file that is kept from learning: why, and what to do about it."""

    name: str
    sha256: str | None
    detail: str
    what_to_do: str


class Drift(TypedDict):
    """``phase``: ``stable``, ``watch`` or ``adapting``; null before the first model. ``path``: the last readings, the
    oldest first. ``pooled_rows``: rows that are still too few to judge by. ``labelled``: the newest labelled block
    against the champion's training window, null before there is one; ``unlabelled``: the newest unlabelled drop, with
    the scores that are to be expected of it should the concept be unchanged."""

    phase: str | None
    model_version: int | None
    estimator: str | None
    since_block: int
    reference: LossLevel | None
    adapting_blocks_left: int
    refresh_in_blocks: int
    path: tuple[Reading, ...]
    challengers: list[ChallengerItem]
    previous_version: int | None
    pooled_rows: int
    held: list[HeldItem]
    labelled: LabelledDrift | None
    unlabelled: UnlabelledDrift | None
    decisions: list[DecisionItem]


def drift(ledger: Ledger) -> Drift:
    """How the champion is being judged, as of the last decision."""
    with ledger.read() as connection:
        state = read_state(connection)
        return {
            "phase": None if state.champion is None else state.phase,
            "model_version": None if state.champion is None else state.champion.version,
            "estimator": None if state.champion is None else state.champion.recipe.estimator,
            "since_block": state.since,
            "reference": state.reference,
            "adapting_blocks_left": state.adapting,
            "refresh_in_blocks": max(state.clock + 1, 0),
            "path": state.path,
            "challengers": challengers(connection),
            "previous_version": None if state.previous is None else state.previous.version,
            "pooled_rows": sum(one.rows for block in state.pool for one in decisions.members(connection, block)),
            "held": _held(connection),
            "labelled": get_fact(connection, LABELLED_DRIFT),
            "unlabelled": get_fact(connection, UNLABELLED_DRIFT),
            "decisions": [decision_item(one) for one in decisions.page(connection, limit=DECISIONS)],
        }


def _held(connection: Connection) -> list[HeldItem]:
    found = []
    for seq in sorted({member.file for member in decisions.held(connection)}):
        record = files.find_seq(connection, seq)
        reason = reason_item(record.reason, record.sha256)
        detail, hint = ("", "") if reason is None else (reason["detail"], reason["what_to_do"])
        found.append(HeldItem(name=record.name, sha256=record.sha256, detail=detail, what_to_do=hint))
    return found
