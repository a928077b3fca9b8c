"""The scorecard: what is served without an estimator. log-odds = base + sum over the terms of the term's effect.

Every term's mean effect over the training frame has been moved into ``base`` (``centred``), so that an effect says
how a client compares with the average one. On disk it is a JSON document, large tables beside it as plain arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import msgspec
import numpy as np

from handlers.domain.axes import Axis, Categories, CodedColumns, Columns, Cuts, Floats
from handlers.domain.effects import Curve, Line, Sum, Table, Term, curve, effect_range
from handlers.domain.effects_document import term_from_document, term_to_document
from handlers.domain.evaluator import Evaluator
from handlers.domain.row_evaluator import Cell, RowEvaluator

__all__ = [
    "IDENTITY",
    "Axis",
    "Calibration",
    "Categories",
    "Columns",
    "Curve",
    "Cuts",
    "Feature",
    "Line",
    "Scorecard",
    "Sum",
    "Table",
    "Term",
    "centred",
    "curve",
    "effect_range",
    "from_document",
    "to_document",
]

FORMAT = 2
#: 1 had no calibration and no sums.
READABLE = (1, 2)


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The monotone map from an estimator's log-odds to those that are served: ``intercept + slope * log-odds``."""

    intercept: float = 0.0
    slope: float = 1.0
    method: Literal["platt"] = "platt"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.intercept) and np.isfinite(self.slope) and self.slope > 0):
            raise ValueError("a calibration needs a finite intercept and a slope above 0")


IDENTITY = Calibration()


class Feature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column that is asked for: float64 with NaN if ``numeric``, else an object array of str and None."""

    name: str
    numeric: bool


@dataclass(frozen=True, slots=True, eq=False)
class Scorecard:
    """What is served. A row whose probability is at least ``threshold`` is predicted to leave.

    ``calibration`` says what is already in ``base`` and ``terms``: nothing is computed with it here. No two terms are
    over the same columns, so that a term's effect is all that these columns say. All methods take columns of n rows,
    and raise KeyError naming a feature that is absent and ValueError for columns of different lengths. The log-odds of
    a row do not depend, to the last bit, on the rows around it.
    """

    form: ClassVar[Literal["scorecard"]] = "scorecard"
    base: float
    threshold: float
    terms: tuple[Term, ...]
    features: tuple[Feature, ...]
    calibration: Calibration = IDENTITY
    _evaluator: Evaluator = field(init=False, repr=False)
    _row: RowEvaluator = field(init=False, repr=False)
    _categories: Mapping[str, frozenset[str | None]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _check(self)
        object.__setattr__(self, "_evaluator", Evaluator(self.base, self.terms))
        names = [feature.name for feature in self.features]
        object.__setattr__(self, "_row", RowEvaluator(self.base, self.terms, names))
        object.__setattr__(self, "_categories", _known_categories(self.terms))

    @property
    def categories(self) -> Mapping[str, frozenset[str | None]]:
        """Give, for each category column that is read, what was learned from: its categories, and None for missing."""
        return self._categories

    def log_odds(self, columns: CodedColumns) -> Floats:
        """Give the log-odds of leaving, float64[n]."""
        return self._evaluator.log_odds(columns, self._rows(columns))

    def probabilities(self, columns: CodedColumns) -> Floats:
        """Give the probability of leaving, float64[n]."""
        log_odds = self.log_odds(columns)
        # exp of a number <= 0 cannot overflow.
        small = np.exp(-np.abs(log_odds))
        probabilities: Floats = np.where(log_odds >= 0, 1.0, small) / (1.0 + small)
        return probabilities

    def probability(self, row: Sequence[Cell]) -> float:
        """Give the probability of one row, to the last bit what ``probabilities`` says of it, and sooner.

        ``row`` has the features in their order; missing is None, in a number's column too.
        """
        return self._row.probability(row)

    def effects(self, columns: CodedColumns) -> Floats:
        """Give each term's effect in log-odds, float64[n, terms]; ``base`` and a row's effects sum to its log-odds."""
        return self._evaluator.effects(columns, self._rows(columns))

    def with_threshold(self, threshold: float) -> Scorecard:
        """Give the same scorecard with another threshold, in [0, 1]."""
        return replace(self, threshold=threshold)

    def _rows(self, columns: CodedColumns) -> int:
        rows = {len(columns[feature.name]) for feature in self.features}
        if len(rows) != 1:
            raise ValueError(f"the columns have different lengths: {sorted(rows)}")
        return rows.pop()


def centred(scorecard: Scorecard, columns: Columns) -> Scorecard:
    """Move each term's mean effect over the rows of ``columns`` into ``base``; the log-odds stay as they are."""
    means = [float(mean) for mean in scorecard.effects(columns).mean(axis=0)]
    terms = tuple(term.shifted(-mean) for term, mean in zip(scorecard.terms, means, strict=True))
    return replace(scorecard, base=scorecard.base + sum(means), terms=terms)


def _known_categories(terms: Iterable[Term]) -> dict[str, frozenset[str | None]]:
    known: dict[str, frozenset[str | None]] = {}
    for axis in (axis for term in terms for axis in term.axes if isinstance(axis, Categories)):
        known[axis.column] = known.get(axis.column, frozenset((None,))) | frozenset(axis.categories)
    return known


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    base: float
    threshold: float
    features: list[Feature]
    terms: list[dict[str, Any]]
    calibration: Calibration = IDENTITY


def to_document(scorecard: Scorecard) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Write a scorecard as a JSON document and, by name, the arrays that are too large for it."""
    arrays: dict[str, np.ndarray] = {}
    terms = [term_to_document(term, f"term{index}", arrays) for index, term in enumerate(scorecard.terms)]
    features = list(scorecard.features)
    document = _Document(FORMAT, scorecard.base, scorecard.threshold, features, terms, scorecard.calibration)
    return msgspec.to_builtins(document), arrays


def from_document(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Scorecard:
    """Read back, bit for bit, what ``to_document`` wrote. Raises ValueError that says which term is wrong."""
    if document.get("format") not in READABLE:
        readable = " and ".join(map(str, READABLE))
        raise ValueError(f"scorecard: format {document.get('format')!r}, this version reads {readable}")
    try:
        read = msgspec.convert(dict(document), _Document)
    except msgspec.ValidationError as error:
        raise ValueError(f"scorecard: {error}") from error
    terms = tuple(term_from_document(term, f"term{index}", arrays) for index, term in enumerate(read.terms))
    return Scorecard(read.base, read.threshold, terms, tuple(read.features), read.calibration)


def _check(scorecard: Scorecard) -> None:
    numeric = {feature.name: feature.numeric for feature in scorecard.features}
    if not numeric or len(numeric) != len(scorecard.features):
        raise ValueError("scorecard: there must be features, each named once")
    if not np.isfinite(scorecard.base) or not 0.0 <= scorecard.threshold <= 1.0:
        raise ValueError("scorecard: the base must be finite and the threshold in [0, 1]")
    seen: set[frozenset[str]] = set()
    for term in scorecard.terms:
        if frozenset(term.columns) in seen:
            raise ValueError(f"{' x '.join(term.columns)}: these columns have two terms")
        seen.add(frozenset(term.columns))
        kinds = [isinstance(axis, Cuts) for axis in term.axes] or [True]
        for column, is_numeric in zip(term.columns, kinds, strict=True):
            if numeric.get(column) is not is_numeric:
                kind = "numeric" if is_numeric else "category"
                raise ValueError(f"{' x '.join(term.columns)}: {column} is not a {kind} feature")
