"""What a data set was made for: columns that cannot change their meaning under rows that are already there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from daemon.configuration import ConfigurationError
from daemon.settings import Settings
from handlers.storage.ledger import Ledger, get_fact
from handlers.storage.workspace import Workspace

FACT = "identity"
KEYS = ("id_column", "time_column", "target_column", "positive_label")


def of(settings: Settings) -> dict[str, Any]:
    """The settings that belong to a data set for good."""
    return {key: getattr(settings.dataset, key) for key in KEYS}


def require_same(settings: Settings, folders: Workspace, known: Mapping[str, Any] | None) -> None:
    """Raise ConfigurationError where the data set there was made for other columns than the settings name."""
    wanted = of(settings)
    if known is None or known == wanted:
        return
    key = next(key for key in KEYS if wanted[key] != known.get(key))
    raise ConfigurationError(
        (
            f"dataset.{key} is {wanted[key]!r}, but the data set in {folders.dataset} was made with "
            f"{known.get(key)!r}. That is another workspace: set it back, or name another output_folder_path.",
        )
    )


def require_fitting(settings: Settings, folders: Workspace) -> None:
    """The same for a data set on disk, where there is one. Raises ConfigurationError and LedgerError."""
    if folders.ledger.exists():
        with closing(Ledger(folders.ledger, read_only=True)) as ledger, ledger.read() as connection:
            require_same(settings, folders, get_fact(connection, FACT))
