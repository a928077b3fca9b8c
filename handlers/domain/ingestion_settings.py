"""``ingestion``: how files are noticed, taken, refused and left."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from handlers.domain.durations import Duration
from handlers.domain.schema import Fraction


class IngestionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``ingestion``: how files are noticed, taken, refused and left."""

    observer: Literal["auto", "inotify", "polling"] = "auto"
    """auto: the kernel's events, and comparing listings where those do not come (network shares); or one of the two."""
    rescan_seconds: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    """The whole folder is read again after so many seconds, because events get lost; 20,000 names take about 0.1 s."""
    settle_seconds: Annotated[float, msgspec.Meta(ge=0)] = 2.0
    """A file that may still be written to is taken when it has not changed for so many seconds: longer than the pauses
    of a slow copy. Files that are moved into the folder do not wait."""
    quiet_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.05
    """A file that its writer has closed is taken after so many seconds without a change: long enough for a program
    that closes a file and at once opens it again to append."""
    decide_after_seconds: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    """A decision starts when no file waits, and at the latest this many seconds after rows came in."""
    expect_every: Duration | None = None
    """The longest time between two drops, in seconds or as in "31 days"; allow a few days more than the usual one. When
    it has gone by, `/readyz` (as a warning), the log, the page and `/metrics` say so. Null: nothing is expected."""
    after: Literal["keep", "archive", "delete"] = "keep"
    """What happens to a file in the source folder after its commit; archive moves it to ``archive/`` beside it."""
    max_rejected_fraction: Fraction = 0.2
    """Above this share of rows with faults a file is refused whole: it is probably not what it seems."""
    max_file_bytes: Annotated[int, msgspec.Meta(ge=1)] = 2 * 1024**3
    """A larger file, in bytes, is refused. It is read in blocks: memory does not grow with it."""
    finaldata_max_rows: Annotated[int, msgspec.Meta(ge=0)] = 100_000
    """Up to this many rows, ``finaldata.csv`` is kept up to date; beyond that ``attritiond export`` makes it."""
