"""How dropped files are noticed, and when they count as complete: a part of ``ingestion``."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class WatchingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How dropped files are noticed, and when they count as complete."""

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
