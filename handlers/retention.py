"""What is kept, and for how long."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from handlers.storage import releases


class RetentionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``retention``: what is kept, and for how long."""

    releases: Annotated[int, msgspec.Meta(ge=2)] = 20
    """How many release folders are kept, the current and the previous one always among them."""
    challengers: Annotated[int, msgspec.Meta(ge=0)] = 10
    """How many of the models that were trained and not deployed are kept in ``output_model_path``."""


def prune_releases(folder: Path, *, newest_first: list[int], keep: set[int], settings: RetentionSettings) -> list[int]:
    """Remove the folders of the oldest releases beyond ``releases``; the ledger goes on knowing them."""
    surplus = [version for version in newest_first[settings.releases :] if version not in keep]
    return [version for version in surplus if releases.remove(folder, version)]
