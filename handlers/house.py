"""What the steps of the pipeline work with: the folders, the ledger, the settings and the clock of one process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handlers.domain.ingestion_settings import IngestionSettings
from handlers.domain.limits import Limits
from handlers.domain.promotion import PromotionSettings
from handlers.domain.retraining import DriftSettings, TrainingSettings
from handlers.domain.schema import DatasetSettings
from handlers.retention import RetentionSettings
from handlers.storage.ledger import Ledger
from handlers.storage.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Learning:
    """The settings of the learning side."""

    drift: DriftSettings
    training: TrainingSettings
    promotion: PromotionSettings
    retention: RetentionSettings


@dataclass(frozen=True, slots=True)
class House:
    """``now``: the time as ISO 8601 UTC text. ``timer``: seconds of a clock that never goes back."""

    workspace: Workspace
    ledger: Ledger
    dataset: DatasetSettings
    ingestion: IngestionSettings
    learning: Learning
    now: Callable[[], str]
    timer: Callable[[], float]

    @property
    def limits(self) -> Limits:
        """What a dropped file may hold."""
        return Limits(max_rejected_fraction=self.ingestion.max_rejected_fraction)
