"""Charts as shapes: where the lines of a page's SVG run. Nothing here knows HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handlers.domain.decisions.state import Reading

WIDTH, HEIGHT = 720.0, 180.0
"""Of the drawing, in its own units; the page scales it."""
_ABOVE_LIMIT = 1.25


@dataclass(frozen=True, slots=True)
class Bar:
    """A block: ``x`` and ``width`` of its place, ``y`` and ``height`` of its score; ``what`` tells it in words."""

    x: float
    width: float
    y: float
    height: float
    alarm: bool
    phase: str
    version: int
    block: int
    what: str


@dataclass(frozen=True, slots=True)
class HarmChart:
    """The harm test over the last blocks: bars are scores in parts of their limit, the line is their sum in parts of
    its own. ``limit``: the height of both limits; ``changes``: where another model came, with its version."""

    bars: tuple[Bar, ...]
    sums: str
    limit: float
    zero: float
    changes: tuple[tuple[float, int], ...]
    width: float = WIDTH
    height: float = HEIGHT


def harm_chart(path: Sequence[Reading]) -> HarmChart | None:
    """Draw the last readings, the oldest first; None where there are none."""
    if not path:
        return None
    scores = [reading.z / reading.limit for reading in path]
    sums = [reading.cusum / reading.cusum_limit for reading in path]
    top = max(_ABOVE_LIMIT, *(min(value, 4.0) for value in (*scores, *sums)))
    bottom = min(-0.5, max(-1.0, *(min(scores),)))
    place = WIDTH / len(path)

    def height(value: float) -> float:
        return round(HEIGHT * (top - min(max(value, bottom), top)) / (top - bottom), 1)

    zero = height(0.0)
    bars = tuple(
        Bar(
            x=round(number * place + 0.2 * place, 1),
            width=round(0.6 * place, 1),
            y=min(height(score), zero),
            height=max(round(abs(height(score) - zero), 1), 0.8),
            alarm=reading.alarm,
            phase=reading.phase,
            version=reading.version,
            block=reading.block,
            what=_words(reading),
        )
        for number, (score, reading) in enumerate(zip(scores, path, strict=True))
    )
    line = " ".join(f"{(number + 0.5) * place:.1f},{height(value)}" for number, value in enumerate(sums))
    changes = tuple(
        (round(number * place, 1), path[number].version)
        for number in range(1, len(path))
        if path[number].version != path[number - 1].version
    )
    return HarmChart(bars, line, height(1.0), zero, changes)


def _words(reading: Reading) -> str:
    return (
        f"decision {reading.block}, model {reading.version}: log loss {reading.loss:.3f} on "
        f"{reading.rows:,.0f} rows, promised {reading.reference:.3f}, z {reading.z:.1f}, "
        f"sum {reading.cusum:.1f}, {reading.phase}"
    )
