"""How often somebody may ask: a token bucket, filled at a steady rate and emptied by requests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """``rate``: requests a second in the long run. ``burst``: so many may come at once after a pause."""

    rate: float
    burst: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """``level``: how many requests it holds at the moment ``at``, in seconds of any clock that never goes back."""

    level: float
    at: float


def full(limit: RateLimit, now: float) -> Bucket:
    """The bucket of somebody who has not asked yet."""
    return Bucket(float(limit.burst), now)


def ask(bucket: Bucket, limit: RateLimit, now: float) -> tuple[Bucket, float]:
    """The bucket after a request, and the seconds that it comes too early: 0 if it may be answered.

    A request that comes too early takes nothing: who goes on asking is not kept out for longer.
    """
    level = min(float(limit.burst), bucket.level + max(now - bucket.at, 0.0) * limit.rate)
    if level >= 1.0:
        return Bucket(level - 1.0, now), 0.0
    return Bucket(level, now), (1.0 - level) / limit.rate
