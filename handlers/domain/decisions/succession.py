"""What follows from a ruling: who is current afterwards, and the state that the next decision starts from."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from handlers.domain.decisions import transitions
from handlers.domain.decisions.loss_level import LossLevel, level, losses
from handlers.domain.decisions.requests import HeldOut, Ruling
from handlers.domain.decisions.state import Incumbent, State
from handlers.domain.learning_settings import TrainingSettings


class Successor(msgspec.Struct, frozen=True):
    """A model that a ruling deploys, and the level of the log loss that it promises."""

    incumbent: Incumbent
    reference: LossLevel


class Place(msgspec.Struct, frozen=True):
    """Where a ruling was made: ``block``, the number of the decision; ``rows``, all labelled rows that decisions have
    taken and learn from; ``period``, the latest that was ever decided on; ``held``, the files held in a row for the
    same break, ``held_for``; ``normal``, what is broken in files and has become the new normal; ``pairs``, of columns,
    those of the champion."""

    block: int
    rows: int
    period: str | None = None
    held: tuple[int, ...] = ()
    held_for: tuple[str, ...] = ()
    normal: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()


def successor(ruling: Ruling, held_out: HeldOut, place: Place, *, version: int, seed: int) -> Successor:
    """The model of a ruling that deploys. What it promises: its evidence, or else its losses on held-out rows.

    Raises ValueError where nothing is deployed.
    """
    if ruling.deploy is None:
        raise ValueError("this ruling deploys nothing")
    incumbent = Incumbent(
        version=version,
        recipe=ruling.deploy,
        last=place.block,
        rows=ruling.state.rows_between(ruling.deploy.widest, place.block) or place.rows,
        provisional=ruling.trigger == "provisional",
        period=place.period,
    )
    out_of_fold = losses(held_out.labels, held_out.log_odds)
    return Successor(incumbent, ruling.reference or level(out_of_fold, held_out.clients, seed=seed))


def state_after(ruling: Ruling, deployed: Successor | None, place: Place, training: TrainingSettings) -> State:
    """The state after a ruling and the deployment that it has led to, if any: a new champion, new shadows."""
    state = ruling.state
    if deployed is not None:
        wait = training.refresh_blocks
        state = transitions.after(state, deployed.incumbent, deployed.reference, ruling.trigger, wait)
        if ruling.goes_on:
            state = replace(state, adapting=ruling.state.adapting, since=ruling.state.since)
    if ruling.refresh:
        state = transitions.refreshed(state, ruling.refresh, place.block, place.rows, pairs=place.pairs)
    return replace(state, held=place.held, held_for=place.held_for, normal=place.normal)


def current_after(ruling: Ruling, deployed: Successor | None, before: int | None) -> int | None:
    """The version that is current after a ruling; ``before``: the one that was."""
    if deployed is not None:
        return deployed.incumbent.version
    if ruling.roll_back and ruling.state.champion is not None:
        return ruling.state.champion.version
    return before
