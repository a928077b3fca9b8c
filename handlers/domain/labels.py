"""The target column: which rows left, which stayed, which are not known yet, and what the values mean by value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from handlers.domain.cell_bytes import first_octets, offsets_of
from handlers.domain.exact_casts import NO_ROWS
from handlers.domain.files import Reason
from handlers.domain.label_spelling import canonical_label
from handlers.domain.schema import ColumnType

LEFT, STAYED, UNLABELLED = 1, 0, -1
#: Labels named in a refusal.
SHOWN = 5
#: Other labels that are remembered of a file; it is refused because of the second.
MANY = 100
_OTHER = -2

Labels = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """How the cells of the target are read. ``left`` and ``stayed``: the canonical labels, ``stayed`` None while it is
    not known: then each value that is not blank and not ``left`` counts as stayed; ``type``: None while not known."""

    left: str
    stayed: str | None
    type: ColumnType | None


@dataclass(frozen=True, slots=True)
class LabelEvidence:
    """The canonical labels beside ``left`` that count as stayed: those seen while the negative label is not known.

    The sum of two is that of both blocks.
    """

    others: frozenset[str] = frozenset()

    def __add__(self, later: LabelEvidence) -> LabelEvidence:
        if not later.others - self.others:
            return self
        return LabelEvidence(frozenset(sorted(self.others | later.others)[:MANY]))


@dataclass(frozen=True, slots=True)
class LabelBlock:
    """The target's cells of one block. ``labels``: int8, 1 left, 0 stayed, -1 unlabelled; ``faults``: the rows that
    have a third label, which are unlabelled."""

    labels: Labels
    faults: npt.NDArray[np.int64]
    evidence: LabelEvidence


@dataclass(frozen=True, slots=True)
class SettledTarget:
    """The target at the end of a file. ``stayed``: the canonical label that means *stayed*, None if none was seen."""

    stayed: str | None
    type: ColumnType


def plan_target(positive: str | float | bool, negative: str | None, type: ColumnType | None) -> TargetPlan:
    """Return how the target is read. ``negative`` and ``type`` are what the schema knows, None if it does not."""
    return TargetPlan(canonical_label(positive), negative, type)


def read_labels(cells: pa.StringArray, plan: TargetPlan) -> LabelBlock:
    """Read the target's cells of one block; a blank one is unlabelled.

    Once the negative label is known, a third value is a fault of its row.
    """
    labels, names = _short_labels(cells, plan) if _are_short(cells) else _any_labels(cells, plan)
    if plan.stayed is None:
        others = frozenset(names) - {plan.left, ""}
        labels[labels == _OTHER] = STAYED
        return LabelBlock(labels, NO_ROWS, LabelEvidence() + LabelEvidence(others))
    faults = np.flatnonzero(labels == _OTHER)
    labels[faults] = UNLABELLED
    return LabelBlock(labels, faults, LabelEvidence())


def _are_short(cells: pa.StringArray) -> bool:
    """Whether each cell is one byte at most, as 0 and 1 are."""
    offsets = offsets_of(cells)
    return len(cells) > 0 and int(offsets[-1] - offsets[0]) <= len(cells) and int(np.diff(offsets).max()) <= 1


def _short_labels(cells: pa.StringArray, plan: TargetPlan) -> tuple[Labels, list[str]]:
    """Look up the bytes of short cells; the names of those that occur are only wanted if some are others."""
    octets = first_octets(cells)
    labels = _meanings(plan)[octets]
    if plan.stayed is not None:
        return labels, []
    return labels, [canonical_label(chr(octet)) for octet in np.flatnonzero(np.bincount(octets)) if octet]


@lru_cache(maxsize=16)
def _meanings(plan: TargetPlan) -> Labels:
    """Return int8[256]: what a cell of one byte means, 0 standing for an empty one."""
    meaning = _meaning(plan)
    short = [UNLABELLED, *(meaning.get(canonical_label(chr(octet)), _OTHER) for octet in range(1, 256))]
    return np.array(short, np.int8)


def _any_labels(cells: pa.StringArray, plan: TargetPlan) -> tuple[Labels, list[str]]:
    distinct = cells.dictionary_encode()
    names = [canonical_label(text) for text in distinct.dictionary.to_pylist()]
    meaning = _meaning(plan)
    # The last entry is what a null cell's index (-1) finds.
    codes = np.array([*(meaning.get(name, _OTHER) for name in names), UNLABELLED], np.int8)
    return codes[pc.fill_null(distinct.indices, -1).to_numpy(zero_copy_only=False)], names


def _meaning(plan: TargetPlan) -> dict[str, int]:
    known = {} if plan.stayed is None else {plan.stayed: STAYED}
    return known | {plan.left: LEFT, "": UNLABELLED}


def settle_target(plan: TargetPlan, evidence: LabelEvidence) -> SettledTarget | Reason:
    """Say what the labels are, given all of a file; two other values beside the positive one are refused."""
    others = sorted(evidence.others)
    if len(others) > 1:
        return _too_many(plan.left, others)
    stayed = others[0] if others else plan.stayed
    found = _target_type(plan.left, stayed)
    if plan.type is ColumnType.INTEGER and found is not plan.type:
        return _not_of_one_kind(plan.left, stayed)
    return SettledTarget(stayed, plan.type or found)


def label_values(labels: Labels, plan: TargetPlan, settled: SettledTarget) -> pa.Array:
    """Return labels as the data set keeps them: in one spelling, so that equal labels make equal rows."""
    stayed = plan.left if settled.stayed is None else settled.stayed
    pair = [int(stayed), int(plan.left)] if settled.type is ColumnType.INTEGER else [stayed, plan.left]
    blank = labels == UNLABELLED
    indices = pa.array(np.where(blank, 0, labels), pa.int8(), mask=blank)
    return pa.array(pair).take(indices)


def _target_type(left: str, negative: str | None) -> ColumnType:
    integers = all(_is_int64(label) for label in (left, negative) if label is not None)
    return ColumnType.INTEGER if integers else ColumnType.CATEGORY


def _is_int64(label: str) -> bool:
    return re.fullmatch(r"-?[0-9]+", label) is not None and -(2**63) <= int(label) < 2**63


def _too_many(left: str, others: list[str]) -> Reason:
    shown = ", ".join(repr(label) for label in others[:SHOWN])
    rest = "many" if len(others) == MANY else str(len(others) - SHOWN)
    more = f" and {rest} more" if len(others) > SHOWN else ""
    what = f"Beside the positive label {left!r} the target has more than one other value"
    hint = "Set dataset.positive_label, or correct the target column."
    return Reason("labels", f"{what}: {shown}{more}.", hint, logged=f"{what}.")


def _not_of_one_kind(left: str, negative: str | None) -> Reason:
    what = f"The target was the integer {left} so far, and now has"
    hint = "Correct the target column, or set dataset.positive_label for a new workspace."
    return Reason(
        "labels", f"{what} the value {negative!r} beside it.", hint, logged=f"{what} another value beside it."
    )
