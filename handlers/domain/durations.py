"""Durations as settings write them: seconds, or a number with its unit."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

DURATION_PATTERN = r"^[1-9][0-9]{0,5} (second|minute|hour|day|week)s?$"
DURATION_WORDS = 'a number and second, minute, hour, day or week, as in "31 days"'
_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}

Duration = (
    Annotated[float, Meta(gt=0)] | Annotated[str, Meta(pattern=DURATION_PATTERN, extra={"allowed": DURATION_WORDS})]
)


def seconds_of(duration: float | str) -> float:
    """Answer how many seconds a duration is. Raises ValueError for a text of another form."""
    if not isinstance(duration, str):
        return float(duration)
    number, _, unit = duration.partition(" ")
    unit = unit.removesuffix("s")
    if unit not in _SECONDS or not number.isdecimal():
        raise ValueError(f"{duration!r} is no duration: wanted is {DURATION_WORDS}")
    return float(int(number) * _SECONDS[unit])


def in_words(seconds: float) -> str:
    """Write a duration for people, in the largest unit of which there are two: 45 seconds, 3 hours, 33 days."""
    for unit in ("day", "hour", "minute"):
        count = int(seconds // _SECONDS[unit])
        if count > 1:
            return f"{count:,} {unit}s"
    count = int(seconds)
    return f"{count} second" if count == 1 else f"{count} seconds"
