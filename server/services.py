"""What the server is given: the seams between HTTP and the rest, filled in by the composition root."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from handlers.domain.release import Release
from handlers.domain.schema import DatasetSettings
from handlers.records import FileCheck, FileItem
from handlers.storage.ledger import Ledger
from handlers.storage.workspace import Workspace
from server.auth import Keyring
from server.disturbances import Disturbance
from server.settings import ServerSettings


@dataclass(slots=True)
class Champion:
    """One reference, replaced after a deployment. A request takes ``release`` once and uses that alone."""

    release: Release | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """What ``/readyz`` answers: a reason for each check that fails, and what has not been taken and decided."""

    problems: Mapping[str, str] = field(default_factory=dict)
    waiting: int = 0
    undecided: int = 0


@dataclass(frozen=True, slots=True)
class ServedRequest:
    """What the log is told of a request: no query, no body, no name of a client. ``token``: the name of the token that
    it came with."""

    request_id: str
    method: str
    route: str
    status: int
    seconds: float
    detail: str | None
    token: str | None = None


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


@dataclass(frozen=True, slots=True)
class Services:
    """``deploy`` takes a version, or None to go back to the previous release, and answers the version that is
    current then; it raises DeploymentRefused. ``check`` takes a file's name and content, and answers what would happen
    to it; ``retry`` takes the beginning of a refused file's SHA-256, and answers the newest record of that content and
    whether it has been taken again already; both raise NotDone. ``calls_shown`` answers how many clients the page shows
    (a reload may change it). ``dependencies`` answers what the background check has cached and starts nothing.
    ``keyring`` holds the tokens; without it, and with a tokens file in the settings, nobody is let in."""

    settings: ServerSettings
    dataset: DatasetSettings
    workspace: Workspace
    ledger: Ledger
    champion: Champion
    readiness: Callable[[], Readiness]
    deploy: Callable[[int | None], Awaitable[int]]
    check: Callable[[str, bytes], Awaitable[FileCheck]]
    retry: Callable[[str], Awaitable[tuple[FileItem, bool]]]
    calls_shown: Callable[[], int]
    dependencies: Callable[[], Mapping[str, Any]]
    served: Callable[[ServedRequest], None]
    disturbed: Callable[[Disturbance], None]
    keyring: Keyring | None = None
