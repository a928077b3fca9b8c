"""What the serving process counts itself. All of it belongs to the event loop, so that counting needs no lock."""

from __future__ import annotations

from dataclasses import dataclass

from server.distributions import Counted, Distribution
from server.disturbances import Cause

LATENCY = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LAG = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ROWS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 5_000.0, 20_000.0, 100_000.0)
REQUESTS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """What was counted up to now. ``requests``: seconds by method, route and status."""

    requests: dict[tuple[str, str, int], Counted]
    batch_rows: Counted
    batch_requests: Counted
    loop_lag: Counted
    disturbances: dict[Cause, int]


class Metrics:
    """The counts of one server; two in one process do not share them."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], Distribution] = {}
        self._batch_rows = Distribution(ROWS)
        self._batch_requests = Distribution(REQUESTS)
        self._loop_lag = Distribution(LAG)
        self._disturbances = dict.fromkeys(Cause, 0)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request has been answered. ``route``: its pattern, never the path that was asked for."""
        key = (method, route, status)
        seen = self._requests.get(key)
        if seen is None:
            seen = self._requests[key] = Distribution(LATENCY)
        seen.observe(seconds)

    def batch(self, requests: int, rows: int) -> None:
        """So many requests were answered by one evaluation, and so many clients of them were scored."""
        self._batch_requests.observe(requests)
        self._batch_rows.observe(rows)

    def loop_lag(self, seconds: float) -> None:
        """A timer of the event loop was so late."""
        self._loop_lag.observe(seconds)

    def disturbed(self, cause: Cause) -> None:
        """A request was not understood, or a connection refused or cut off."""
        self._disturbances[cause] += 1

    def snapshot(self) -> MetricsSnapshot:
        """Copy what was counted, for another thread to write out."""
        return MetricsSnapshot(
            requests={key: seen.so_far() for key, seen in self._requests.items()},
            batch_rows=self._batch_rows.so_far(),
            batch_requests=self._batch_requests.so_far(),
            loop_lag=self._loop_lag.so_far(),
            disturbances=dict(self._disturbances),
        )
