"""A blend: the weighted mean of several scorecards' log-odds, which is one scorecard again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from handlers.domain.axes import Axis, Categories, Cuts, Floats, Indices
from handlers.domain.effects import Line, Sum, Table, Term
from handlers.domain.scorecard import IDENTITY, Feature, Scorecard


def blended(scorecards: Sequence[Scorecard], weights: Sequence[float]) -> Scorecard:
    """Give the scorecard whose log-odds are the sum of the parts' log-odds times their weights; threshold 0.5.

    Each set of columns has one term; features and terms are in the order in which they first appear, single columns
    first. Raises ValueError where weights and scorecards do not match, where a feature is a number in one part and a
    category in another, and for parts that are calibrated: a blend is calibrated as a whole, or what its estimator
    says could not be compared with it.
    """
    if not scorecards or len(scorecards) != len(weights):
        raise ValueError(f"{len(scorecards)} scorecards and {len(weights)} weights: as many of each, at least one")
    if any(card.calibration != IDENTITY for card in scorecards):
        raise ValueError("parts are blended before they are calibrated")
    features: dict[str, Feature] = {}
    gathered: dict[frozenset[str], list[Term]] = {}
    for card, weight in zip(scorecards, weights, strict=True):
        for feature in card.features:
            if features.setdefault(feature.name, feature) != feature:
                raise ValueError(f"{feature.name}: a number in one part, a category in another")
        for term in card.terms:
            gathered.setdefault(frozenset(term.columns), []).append(term.scaled(weight))
    in_order = sorted(gathered.values(), key=lambda terms: len(terms[0].columns))
    base = sum(weight * card.base for card, weight in zip(scorecards, weights, strict=True))
    return Scorecard(float(base), 0.5, tuple(map(_summed, in_order)), tuple(features.values()))


def _summed(terms: Sequence[Term]) -> Term:
    """Add terms over the same columns up to one."""
    lines: list[Line] = []
    tables: list[Table] = []
    for term in terms:
        if isinstance(term, Table):
            tables.append(term)
        else:
            lines += [term] if isinstance(term, Line) else term.lines
            tables += [] if isinstance(term, Line) else [term.steps]
    if not lines:
        return _added(tables)
    if len(lines) == 1 and not tables:
        return lines[0]
    flat = Table((Cuts(lines[0].column, ()),), np.zeros(2))
    return Sum(tuple(lines), _added(tables) if tables else flat)


def _added(tables: Sequence[Table]) -> Table:
    """Add tables over the same columns, in whichever order, on axes that part what any of them parts."""
    columns = tables[0].columns
    turned = [table if table.columns == columns else _transposed(table) for table in tables]
    axes = tuple(_common([table.axes[place] for table in turned]) for place in range(len(columns)))
    effects: Floats = np.zeros(tuple(axis.size for axis in axes))
    for table in turned:
        places = [_places(axis, own) for axis, own in zip(axes, table.axes, strict=True)]
        effects = effects + table.effects[np.ix_(*places)]
    return Table(axes, effects)


def _transposed(table: Table) -> Table:
    return Table(table.axes[::-1], table.effects.T)


def _common(axes: Sequence[Axis]) -> Axis:
    """Give the axis with the cuts, or the categories, of all of these."""
    column = axes[0].column
    if isinstance(axes[0], Cuts):
        return Cuts(column, tuple(sorted({cut for axis in axes if isinstance(axis, Cuts) for cut in axis.cuts})))
    names = (name for axis in axes if isinstance(axis, Categories) for name in axis.categories)
    return Categories(column, tuple(dict.fromkeys(names)))


def _places(common: Axis, own: Axis) -> Indices:
    """Give for each bin of a common axis the bin of one of those it is common to."""
    if isinstance(common, Cuts) and isinstance(own, Cuts):
        # A bin lies where its lower edge does; the first one has none, the last is missing.
        within = np.searchsorted(np.asarray(own.cuts, dtype=np.float64), common.cuts, side="right")
        return np.concatenate(([0], within, [own.size - 1])).astype(np.intp)
    known = {name: place for place, name in enumerate(own.categories if isinstance(own, Categories) else ())}
    unknown, missing = own.size - 1, own.size - 2
    named = [known.get(name, unknown) for name in (common.categories if isinstance(common, Categories) else ())]
    return np.array([*named, missing, unknown], dtype=np.intp)
