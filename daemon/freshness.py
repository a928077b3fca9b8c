"""Has the usual drop come? That one is late is no fault of the service: it is told, and requests go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handlers.domain.durations import in_words


@dataclass(frozen=True, slots=True)
class Late:
    """A drop that has not come: when the last one did, and a sentence."""

    last_drop_at: str
    sentence: str


def late(last_drop_at: str | None, expected_every: float | None, now: float) -> Late | None:
    """Say whether the usual drop is late.

    ``last_drop_at``: ISO 8601 UTC; before the first drop nothing is late, the model that is missing says enough.
    ``expected_every``: seconds, None where nothing is expected; ``now``: seconds since 1970.
    """
    if last_drop_at is None or expected_every is None:
        return None
    age = now - datetime.fromisoformat(last_drop_at).timestamp()
    if age <= expected_every:
        return None
    ago, usual = in_words(age), in_words(expected_every)
    what = f"expected is one every {usual} (ingestion.expect_every). Ask whoever sends them"
    return Late(last_drop_at, f"The last drop came {ago} ago, {what}; the model goes on as it is.")
