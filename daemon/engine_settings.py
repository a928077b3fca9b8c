"""``engine`` and ``logging``: the patience of the process with its workers, the room it needs, and what it says."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from handlers.domain.schema import Fraction

_DAY = 86_400
Seconds = Annotated[float, msgspec.Meta(gt=0, le=_DAY)]


class EngineSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``engine``: how patient the daemon is with its workers, and how much room on the disk it needs."""

    worker_timeout_seconds: Seconds = 900.0
    """A worker that has not finished one piece of work after so many seconds is taken for hung and killed; what it had
    is tried again. A training is the longest: raise this together with ``training.max_rows``."""
    ingest_memory_bytes: Annotated[int, msgspec.Meta(ge=512 * 1024**2)] = 4 * 1024**3
    """The ingest worker may allocate so many bytes. A file that needs more is refused, like any on which the worker
    dies twice, and the machine's memory is left to the others; a 1 GB file needs less than 512 MB."""
    model_worker_idle_seconds: Annotated[float, msgspec.Meta(ge=0, le=_DAY)] = 10.0
    """The model worker ends after so many seconds without work, which frees its memory; the next piece of work then
    waits until a new one has started."""
    minimum_free_bytes: Annotated[int, msgspec.Meta(ge=0)] = 256 * 1024**2
    """With fewer bytes free on a disk that it writes to, `/readyz` says so: that is about what one commit of 500,000
    rows, the merge of their index and a release need at the same time. Nothing is lost when it is used up; nothing
    comes in either."""
    stop_seconds: Seconds = 20.0
    """When asked to stop, the daemon waits so many seconds for running work, then abandons it; it is done again at the
    next start. Keep it below the service manager's own limit (``TimeoutStopSec``, 30 in the unit that ships)."""


class LoggingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``logging``: what is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Events below this level are not written."""
    request_sample: Fraction = 0.01
    """The share of requests that are logged although they were neither slow nor failed; ``/metrics`` counts all."""
