"""What a worker does with a task: the one place where tasks meet the pipeline."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from daemon.bootstrap import house_of
from daemon.memory import give_back
from daemon.pipeline_socket import PATIENCE_SECONDS, remote
from daemon.reading_ahead import reading_for
from daemon.settings import Settings
from daemon.tasks import (
    Activate,
    Check,
    Compact,
    Decide,
    Greeting,
    Ingest,
    Recover,
    Refused,
    ReleaseFiles,
    Report,
    Rescore,
    ResetSchema,
    Task,
    WriteFinaldata,
)
from handlers import (
    activation,
    checking,
    compaction,
    decision_blocks,
    pipeline,
    publication,
    recovery,
    reindexing,
    releasing,
    rescoring,
)
from handlers.domain.facts import Fact
from handlers.domain.release import Release
from handlers.receiving import Arrival
from handlers.records import FileCheck, FileItem, file_item
from handlers.storage.index_runs import IndexDamaged
from handlers.storage.releases import ReleaseError

Answer = TypeVar("Answer")


class Workbench:
    """The pipeline with its house, and the champion as it was last read."""

    def __init__(self, greeting: Greeting, tell: Callable[[str, dict[str, Any]], None], *, opens: bool = True) -> None:
        """``opens``: a release without a scorecard is opened here; else the process that holds it is asked."""
        settings = msgspec.convert(greeting.settings, Settings)
        self._house = house_of(settings, Path(greeting.config))
        if not opens:
            asked = remote(self._house.workspace.dataset, patience=PATIENCE_SECONDS)
            self._house = replace(self._house, pipelines=asked)
        self._tell = tell
        self._champion: Release | None = None
        # Its cache of fonts: a service has no home, and a user's is nobody else's to write to.
        os.environ.setdefault("MPLCONFIGDIR", str(self._house.workspace.dataset / "matplotlib"))

    def close(self) -> None:
        """Let go of the ledger."""
        self._house.ledger.close()

    def run(self, task: Task) -> Any:
        """Do it; the answer is a plain value. Raises Refused, and whatever shows a bug or a broken machine."""
        answer: Any = None
        match task:
            case Ingest(files):
                self._ingest(files)
            case Check(path, name):
                answer = self._check(Path(os.fsdecode(path)), os.fsdecode(name))
            case WriteFinaldata():
                publication.keep_finaldata(self._house)
            case Compact():
                return self._compact()
            case Rescore():
                self._rescore()
            case Recover():
                self._follow(recovery.recover(self._house, self._usable()))
            case ResetSchema():
                answer = self._reset()
            case Decide(give_up):
                answer = self._decide(give_up=give_up)
            case Activate(version):
                answer = self._activate(version)
            case ReleaseFiles(sha256):
                answer = self._release(sha256)
            case Report():
                self._follow(recovery.write_missing_reports(self._house))
        return answer

    def _ingest(self, files: tuple[Any, ...]) -> None:
        arrivals = [Arrival(os.fsdecode(one.name), one.seen_at, one.unread, one.failed) for one in files]
        house = replace(self._house, ahead=reading_for(max((one.size for one in files), default=0)))
        # Twice does no harm: files that were committed already are recognised.
        self._with_index(lambda: pipeline.ingest(house, arrivals, self._usable(), self._on_fact))

    def _check(self, path: Path, name: str) -> FileCheck:
        house = self._house
        with house.ledger.read() as connection:
            return checking.check(house, path, name=name, connection=connection, spill=house.workspace.spill)

    def _compact(self) -> bool:
        done = self._with_index(lambda: compaction.compact(self._house))
        self._follow(done.facts)
        if not done.more:
            give_back()
        return done.more

    def _with_index(self, work: Callable[[], Answer]) -> Answer:
        """Do what needs the row index; where that is damaged, make it anew from the rows, and do it again."""
        try:
            return work()
        except IndexDamaged:
            self._follow(reindexing.mend(self._house))
            return work()

    def _rescore(self) -> None:
        release = self._current()
        if release is not None:
            activation.link(self._house)  # the worker that deployed it may have died before it came to that
            self._follow(rescoring.rescore(self._house, release))
            self._follow(publication.publish(self._house, release))

    def _reset(self) -> list[str]:
        try:
            return recovery.reset_schema(self._house)
        except recovery.NotResettable as error:
            raise Refused(str(error)) from error

    def _decide(self, *, give_up: bool) -> int | None:
        if give_up:
            decision_blocks.give_up(self._house, "The worker failed twice on this decision.")
            return None
        release = pipeline.decide(self._house, self._current(), self._on_fact)
        return None if release is None else release.version

    def _activate(self, version: int | None) -> int:
        try:
            chosen = activation.choose(self._house, version)
            _, told = activation.activate(self._house, chosen)
        except (ReleaseError, activation.NotDeployable) as error:
            raise Refused(str(error)) from error
        self._on_fact(told)
        return chosen

    def _release(self, prefixes: tuple[str, ...]) -> list[FileItem]:
        try:
            released, told = releasing.release(self._house, prefixes)
        except releasing.NotHeld as error:
            raise Refused(str(error)) from error
        self._follow(told)
        return [file_item(record) for record in released]

    def _current(self) -> Release | None:
        self._champion = activation.current(self._house, known=self._champion)
        return self._champion

    def _usable(self) -> Release | None:
        """The champion, or None where its release cannot be read: rows are taken all the same, and scored later."""
        try:
            return self._current()
        except ReleaseError:
            return None

    def _follow(self, facts: list[Fact]) -> None:
        for fact in facts:
            self._on_fact(fact)

    def _on_fact(self, fact: Fact) -> None:
        self._tell(fact.event, fact.fields)
