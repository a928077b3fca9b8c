"""The configuration: every setting there is, read strictly from ``config.json`` and the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from daemon.configuration import ConfigurationError, load
from daemon.engine_settings import EngineSettings, LoggingSettings
from daemon.settings_checks import contradictions
from handlers.calls_settings import CallsSettings
from handlers.domain.ingestion_settings import IngestionSettings
from handlers.domain.learning_settings import DriftSettings, PromotionSettings, TrainingSettings
from handlers.domain.schema import DatasetSettings
from handlers.retention import RetentionSettings
from handlers.storage.workspace import Workspace
from server.settings import ServerSettings

__all__ = ["ConfigurationError", "Settings", "read", "workspace"]

Folder = Annotated[str, msgspec.Meta(min_length=1)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration of attritiond. Paths are relative to the folder of the file."""

    input_folder_path: Folder = "sourcedata"
    """The source folder: CSV files that are dropped here are taken. Sub-folders are not read. ``predictions/``,
    ``quarantine/``, ``rejected/``, ``archive/`` and ``reports/`` are made beside it."""
    output_folder_path: Folder = "ingesteddata"
    """The data set, the ledger and the signing key."""
    test_data_path: Folder = "testdata"
    """Labelled CSV files that are reported on and never trained on. May be absent or empty."""
    output_model_path: Folder = "models"
    """What was trained and not deployed."""
    prod_deployment_path: Folder = "production_deployment"
    """What is deployed: the releases, and links to the current one."""
    dataset: DatasetSettings = DatasetSettings()
    ingestion: IngestionSettings = IngestionSettings()
    drift: DriftSettings = DriftSettings()
    training: TrainingSettings = TrainingSettings()
    promotion: PromotionSettings = PromotionSettings()
    calls: CallsSettings = CallsSettings()
    server: ServerSettings = ServerSettings()
    engine: EngineSettings = EngineSettings()
    logging: LoggingSettings = LoggingSettings()
    retention: RetentionSettings = RetentionSettings()


def read(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read a configuration file, overridden by ``ATTRITIOND__SECTION__KEY`` variables in ``environ``.

    Raises ConfigurationError with everything that is wrong, each with its key or variable.
    """
    document = load(path, environ, Settings)
    settings = document.convert(Settings)
    found = list(contradictions(settings, workspace(settings, path)))
    if found:
        raise document.error(found)
    return settings


def workspace(settings: Settings, path: Path) -> Workspace:
    """Where everything lies for the configuration file at ``path``: absolute, links not followed."""
    root = _absolute(path).parent
    return Workspace(
        root=root,
        source=_absolute(root / settings.input_folder_path),
        dataset=_absolute(root / settings.output_folder_path),
        test=_absolute(root / settings.test_data_path),
        models=_absolute(root / settings.output_model_path),
        production=_absolute(root / settings.prod_deployment_path),
    )


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve would follow links: "beside" means beside the link
