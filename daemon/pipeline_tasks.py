"""What the process does that holds a fitted pipeline: verify a release, open it, prove it, answer from it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from daemon.pipeline_socket import path_of, serve
from daemon.settings import Settings, workspace
from daemon.tasks import Greeting, Open, Refused, Task
from handlers.estimators.pipelines import opened
from handlers.proving import proved
from handlers.storage.releases import ReleaseError


class Holder:
    """One release's pipeline, once it has been opened."""

    def __init__(self, greeting: Greeting) -> None:
        self._workspace = workspace(msgspec.convert(greeting.settings, Settings), Path(greeting.config))

    def run(self, task: Task) -> None:
        """Have a release answered for. Nothing of it is unpickled before its signature and every hash have held, and
        then it is the bytes that were hashed. Raises Refused."""
        if not isinstance(task, Open):
            raise Refused(f"A process that holds a pipeline cannot {type(task).__name__.lower()}.")
        folders = self._workspace
        try:
            release = proved(folders.releases, task.version, folders.keys, opened)
        except ReleaseError as error:
            raise Refused(str(error)) from error
        serve(path_of(folders.dataset, task.version), release.scorer.log_odds)
