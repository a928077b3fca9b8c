"""``ingestion``: how files are noticed, taken, refused and left."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from handlers.domain.schema import Fraction


class IngestionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``ingestion``: how files are noticed, taken, refused and left."""

    observer: Literal["auto", "inotify", "polling"] = "auto"
    """How changes of the folder are noticed at once; auto: inotify where the system has it."""
    rescan_seconds: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    """Seconds between two scans of the folder; the scan finds what no event told of (network file systems, links)."""
    settle_seconds: Annotated[float, msgspec.Meta(ge=0)] = 2.0
    """Seconds for which a file of unknown completeness must hold still before it is taken."""
    quiet_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.05
    """Seconds for which a file that its writer has closed must hold still; a writer may open it again at once."""
    decide_after_seconds: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    """A decision starts when no file waits, and at the latest this many seconds after rows came in."""
    after: Literal["keep", "archive", "delete"] = "keep"
    """What happens to a file in the source folder after its commit; archive moves it to ``archive/`` beside it."""
    max_rejected_fraction: Fraction = 0.2
    """Above this share of rows with faults a file is refused whole: it is probably not what it seems."""
    max_file_bytes: Annotated[int, msgspec.Meta(ge=1)] = 2 * 1024**3
    """A larger file, in bytes, is refused; it is parsed in memory."""
    finaldata_max_rows: Annotated[int, msgspec.Meta(ge=0)] = 100_000
    """Up to this many rows, ``finaldata.csv`` is kept up to date; beyond that ``attritiond export`` makes it."""
