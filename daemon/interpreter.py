"""How Python is set where requests are answered."""

from __future__ import annotations

import gc
import sys

COLLECTION_THRESHOLDS = (20_000, 10, 20)
"""Python's own are 700, 10 and 10: then the objects of 64 requests that are under way are looked through several times
before they end, and with 2,000 connections the collection of everything, which takes 50 ms, comes every few seconds.
Requests leave nothing that only it would find."""
SWITCH_SECONDS = 0.0002
"""So long a thread that decodes a large body may go on while the loop waits for its turn; Python's own is 5 ms. The
wait begins anew whenever that thread lets go for a moment and goes on before the loop is awake, as it does in each call
of pyarrow or numpy: with 1 ms, the loop had no turn for 70 ms beside a CSV of 200,000 rows."""


def serve() -> None:
    """Have the loop wait for little. Called when all is loaded: that stays, and is never looked through again."""
    gc.set_threshold(*COLLECTION_THRESHOLDS)
    gc.freeze()
    sys.setswitchinterval(SWITCH_SECONDS)
