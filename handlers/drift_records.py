"""A diagnosis of drift in the shape that the ledger keeps and the API shows: what ``drift.Diagnosis`` writes down."""

from __future__ import annotations

from typing import TypedDict

from handlers.domain.divergence import LabelRate
from handlers.domain.estimated_performance import Estimate


class ColumnDriftItem(TypedDict):
    """How far one column has moved, by ``divergence.ColumnDrift``; a statistic that does not apply is null.

    ``alert`` needs an ``effect`` that matters and evidence (``adjusted_p``). ``rank`` is ``severity`` times
    ``importance``.
    """

    name: str
    psi: float
    null_quantile: float
    jensen_shannon: float
    kolmogorov_smirnov: float | None
    kolmogorov_smirnov_p: float | None
    wasserstein: float | None
    chi_square: float | None
    degrees: int
    chi_square_p: float | None
    missing_before: float
    missing_now: float
    missing_z: float
    missing_p: float
    new_categories: int
    new_share: float
    unseen: float
    outside_share: float
    p_value: float
    adjusted_p: float
    importance: float
    effect: bool
    alert: bool
    severity: float
    rank: float


class DriftItem(TypedDict):
    """Rows against the training window of a model: the columns that moved most and matter most come first.

    ``score`` is the same of the log-odds; ``label_rate`` the share that left, null without labels.
    """

    model_version: int
    rows: int
    columns: list[ColumnDriftItem]
    score: ColumnDriftItem
    label_rate: LabelRate | None


class LabelledDrift(DriftItem):
    """The drift of a block of labelled rows, by the decision that was made on it."""

    decision: int


class UnlabelledDrift(DriftItem):
    """The drift of a file's unlabelled rows, and the scores to be expected of them. ``broken``: what the quality
    gate would hold the file for, null where it finds nothing."""

    file: str
    estimate: Estimate
    broken: str | None


class NewestDrift(TypedDict, total=False):
    """The same as a labelled block's drift; an empty object before a block has been held against a model."""

    decision: int
    model_version: int
    rows: int
    columns: list[ColumnDriftItem]
    score: ColumnDriftItem
    label_rate: LabelRate | None
