"""What the server is given: the seams between HTTP and the rest, filled in by the composition root."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from handlers.domain.release import Release
from handlers.domain.schema import DatasetSettings
from handlers.records import FileCheck, FileItem
from handlers.storage.ledger import Ledger
from handlers.storage.workspace import Workspace
from server.auth import Keyring
from server.disturbances import Disturbance
from server.metrics import Metrics
from server.settings import ServerSettings

CHECKS = (
    *("model", "source_folder", "watcher", "ledger", "disk", "workers"),
    *("recovery", "ingestion", "files", "deployment", "decision", "report", "finaldata", "compaction"),
)
"""The checks of ``/readyz``: a failing one makes it 503."""
FRESHNESS = "freshness"
"""The warning that the usual drop has not come."""
NO_MODEL = "There is no model yet: labelled rows of both classes are waited for in the source folder."
"""What the check ``model`` says before the first release."""
RELEASE = "release"
"""The warning that the files of the release that is served are no longer those that it was read from."""
WARNINGS = (FRESHNESS, RELEASE)


@dataclass(slots=True)
class Champion:
    """One reference, replaced after a deployment. A request takes ``release`` once and uses that alone."""

    release: Release | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """What ``/readyz`` answers: a reason for each check that fails, and what has not been taken and decided.

    ``warnings``: what somebody should look at although requests are answered as well as ever.
    """

    problems: Mapping[str, str] = field(default_factory=dict)
    warnings: Mapping[str, str] = field(default_factory=dict)
    waiting: int = 0
    undecided: int = 0


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the process is. ``beat_age``: seconds since the event loop has last kept its beat. ``free_bytes`` by folder;
    ``expected_every``: the longest usual time between two drops in seconds, None where nothing is expected."""

    beat_age: float = 0.0
    worker_deaths: Mapping[str, int] = field(default_factory=dict)
    worker_running: Mapping[str, bool] = field(default_factory=dict)
    free_bytes: Mapping[str, int] = field(default_factory=dict)
    expected_every: float | None = None


class ServedRequest(msgspec.Struct, frozen=True):
    """What the log is told of a request: no query, no body, no name of a client. ``token``: the name of the token that
    it came with. ``trace_id``: of the trace that it said to belong to."""

    request_id: str
    method: str
    route: str
    status: int
    seconds: float
    detail: str | None
    token: str | None = None
    trace_id: str | None = None


class DeploymentRefused(Exception):
    """A deployment that cannot be: the message says why and what to do next. ``unknown``: no such release."""

    def __init__(self, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.unknown = unknown


class NotDone(Exception):
    """A file was not checked or not taken again: the message says why and what to do next.

    ``unknown``: there is no such file. ``unavailable``: the same may succeed later.
    """

    def __init__(self, message: str, *, unknown: bool = False, unavailable: bool = False) -> None:
        super().__init__(message)
        self.unknown = unknown
        self.unavailable = unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """What whoever answers predictions is given, a replica too. ``readiness`` says how it is, ``served`` is told of
    each request, ``disturbed`` of what was none and of connections that were refused or cut off. ``keyring`` holds the
    tokens; without it, and with a tokens file in the settings, nobody is let in.

    ``readiness`` and ``vitals`` are asked on the event loop, whose state they tell; they wait for nothing. ``metrics``
    counts, on the loop too."""

    settings: ServerSettings
    champion: Champion
    readiness: Callable[[], Readiness]
    served: Callable[[ServedRequest], None]
    disturbed: Callable[[Disturbance], None]
    keyring: Keyring | None = None
    vitals: Callable[[], Vitals] = Vitals
    metrics: Metrics = field(default_factory=Metrics)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services(Answering):
    """What the daemon's own server is given beside it.

    ``deploy`` takes a version, or None to go back to the previous release, and answers the version that is current
    then; it raises DeploymentRefused. ``check`` takes a file's name and content, and answers what would happen to it;
    ``retry`` takes the beginning of a refused file's SHA-256, and answers the newest record of that content and whether
    it has been taken again already; both raise NotDone. ``calls_shown`` answers how many clients the page shows (a
    reload may change it). ``dependencies`` answers what the background check has cached and starts nothing."""

    dataset: DatasetSettings
    workspace: Workspace
    ledger: Ledger
    deploy: Callable[[int | None], Awaitable[int]]
    check: Callable[[str, bytes], Awaitable[FileCheck]]
    retry: Callable[[str], Awaitable[tuple[FileItem, bool]]]
    calls_shown: Callable[[], int]
    dependencies: Callable[[], Mapping[str, Any]]
