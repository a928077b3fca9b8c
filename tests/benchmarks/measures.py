"""What is measured, and how it is said: each number beside the baseline that was taken in the same run."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table. ``value`` and ``baseline`` have the unit ``unit``; ``worst``: of ``samples`` values.

    ``paired``: the median of ratios that were taken pair by pair, where that is what counts.
    """

    name: str
    unit: str
    value: float
    samples: int = 1
    worst: float | None = None
    baseline: float | None = None
    baseline_name: str = ""
    paired: float | None = None

    @property
    def ratio(self) -> float | None:
        if self.paired is not None:
            return self.paired
        return None if not self.baseline else self.value / self.baseline


def median_of(name: str, seconds: Sequence[float], *, baseline: tuple[str, Sequence[float]] | None = None) -> Measure:
    """The median of times in milliseconds, the worst beside it."""
    what, base = baseline or ("", ())
    return Measure(
        name,
        "ms",
        statistics.median(seconds) * 1000,
        len(seconds),
        max(seconds) * 1000,
        statistics.median(base) * 1000 if base else None,
        what,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(measures: Sequence[Measure]) -> str:
    """All of it as a Markdown table."""
    lines = ["| what | median or value | worst | of | baseline in the same run | ratio |", "|---|--:|--:|--:|---|--:|"]
    for one in measures:
        worst = "" if one.worst is None else _said(one.worst, one.unit)
        base = "" if one.baseline is None else f"{one.baseline_name}: {_said(one.baseline, one.unit)}"
        ratio = "" if one.ratio is None else f"{one.ratio:.3g}"
        lines.append(f"| {one.name} | {_said(one.value, one.unit)} | {worst} | {one.samples} | {base} | {ratio} |")
    return "\n".join(lines)


def _said(value: float, unit: str) -> str:
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}") + (f" {unit}" if unit else "")
