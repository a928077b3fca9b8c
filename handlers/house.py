"""What the steps of the pipeline work with: the folders, the ledger, the settings and the clock of one process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from handlers.domain.ingestion_settings import IngestionSettings
from handlers.domain.learning_settings import DriftSettings, Judging, PromotionSettings, TrainingSettings
from handlers.domain.limits import Limits
from handlers.domain.schema import DatasetSettings
from handlers.domain.scorer import Opener
from handlers.estimators.pipelines import opened
from handlers.retention import RetentionSettings
from handlers.storage.ledger import Ledger
from handlers.storage.row_index import RowIndex
from handlers.storage.workspace import Workspace


class Closes(Protocol):
    """What holds something that is to be let go of."""

    def close(self) -> None: ...


Item = TypeVar("Item")
Result = TypeVar("Result", bound=Closes | None)


class Ahead(Protocol):
    """``map`` that may work ahead of whoever takes the results, several items at a time; their order stays.

    A result that nobody takes, because an exception has ended it all, is closed.
    """

    def __call__(self, work: Callable[[Item], Result], items: Iterable[Item], /) -> Iterator[Result]: ...


@dataclass(frozen=True, slots=True)
class Learning:
    """The settings of the learning side."""

    drift: DriftSettings
    training: TrainingSettings
    promotion: PromotionSettings
    retention: RetentionSettings

    @property
    def judging(self) -> Judging:
        """Those that a decision is made by."""
        return Judging(self.drift, self.training, self.promotion)


@dataclass(frozen=True, slots=True)
class House:
    """``now``: the time as ISO 8601 UTC text. ``timer``: seconds of a clock that never goes back.

    ``index``: the hashes of the rows that are there; only the process that ingests opens it. ``ahead``: how the next
    files are read while one is placed. ``pipelines``: how a release is asked that has no scorecard: by a process that
    may unpickle, itself; by the one that serves and the one that ingests, through the process that holds it.
    """

    workspace: Workspace
    ledger: Ledger
    dataset: DatasetSettings
    ingestion: IngestionSettings
    learning: Learning
    now: Callable[[], str]
    timer: Callable[[], float]
    index: RowIndex
    ahead: Ahead = map
    pipelines: Opener = opened

    @property
    def limits(self) -> Limits:
        """What a dropped file may hold."""
        return Limits(max_rejected_fraction=self.ingestion.max_rejected_fraction)
