"""The engine with workers of cardboard, an intake of cardboard, a real ledger, and time that passes at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from daemon import engine as engines
from daemon.backlog import look
from daemon.engine import Engine
from daemon.intake import Settled
from daemon.settings import Settings
from daemon.taking import GROUP_FILES, Taking
from daemon.tasks import Compact, Decide, Ingest, Recover, Report, Rescore, ResetSchema, WriteFinaldata
from daemon.workers import NotStarted, TaskFailed, WorkerDied
from handlers.storage import decisions, models
from handlers.storage.ledger import Ledger
from handlers.storage.models import ModelRecord
from tests.unit.daemon.virtual_time import at_once, run, until

FULL = TaskFailed("OSError: No space left on device", broken=True)
BUG = TaskFailed("KeyError in parsing.py:12")
DIED = WorkerDied("the worker died (SIGKILL)")
NO_PYTHON = NotStarted("the worker cannot be started")


class CardboardWorker:
    """Remembers its tasks; ``answer`` decides what each of them comes to."""

    def __init__(self, answer: Callable[[Any], Any] = lambda _task: None) -> None:
        self.tasks: list[Any] = []
        self.times: list[float] = []
        self.rests = 0
        self.pid: int | None = None
        self.answer = answer

    async def submit(self, task: Any) -> Any:
        self.pid = 1
        self.tasks.append(task)
        self.times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0)
        result = self.answer(task)
        if isinstance(result, Exception):
            raise result
        return result

    async def rest(self) -> None:
        self.rests += 1
        self.pid = None

    @contextlib.asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        yield

    def of(self, kind: type) -> list[Any]:
        return [task for task in self.tasks if isinstance(task, kind)]


class CardboardIntake:
    """Hands out what it is given. What is to be taken again is handed out again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ready: list[Settled] = []
        self.came = asyncio.Event()

    def drop(self, *names: str) -> None:
        for name in names:
            (self.folder / name).write_text("a\n1\n")
        self.again(names)

    def again(self, names: Any) -> None:
        for name in names:
            found = look(self.folder, [name])[name]
            if found is not None:
                self.ready.append(Settled(name, found.stamp, "2026-01-01T00:00:00.000Z", found.kind, None))
        self.came.set()

    async def settled(self) -> list[Settled]:
        while not self.ready:
            self.came.clear()
            await self.came.wait()
        ready, self.ready = self.ready, []
        return ready

    def waiting_count(self) -> int:
        return len(self.ready)


class House:
    """An engine and what it stands on."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.ledger = ledger
        self.ingest, self.model = CardboardWorker(), CardboardWorker()
        self.intake = CardboardIntake(folder)
        self.served: list[int | None] = []
        self.serves = True
        workers: Any = (self.ingest, self.model)
        self.engine = Engine(Settings(), ledger=ledger, source=folder, workers=workers, deployed=self.deployed)

    async def deployed(self) -> bool:
        with self.ledger.read() as connection:
            self.served.append(models.current(connection))
        return self.serves

    def deploy(self, version: int, *, reported: bool = True) -> None:
        with self.ledger.write() as connection:
            models.add(connection, ModelRecord(version, "current", False, "logistic", 1, 1, {}, None, "2026"))
            models.set_current(connection, version)
            if reported:
                models.set_reported(connection, version)

    def want_decision(self, *, wanted: bool = True) -> None:
        with self.ledger.write() as connection:
            decisions.set_state(connection, {"challenge_due": wanted})

    def start(self) -> None:
        intake: Any = self.intake
        self.tasks = [
            asyncio.ensure_future(one)
            for one in (self.engine.take_files(intake), self.engine.decide(), self.engine.keep_finaldata())
        ]

    def start_compaction(self) -> None:
        self.tasks.append(asyncio.ensure_future(self.engine.compact()))

    def taken(self) -> list[list[str]]:
        tried = [task.files for task in self.ingest.of(Ingest) if all(one.failed is None for one in task.files)]
        return [[one.name.decode() for one in files] for files in tried]

    def recorded_as_failed(self) -> list[str]:
        return [one.name.decode() for task in self.ingest.of(Ingest) for one in task.files if one.failed is not None]

    def alive(self) -> bool:
        return not any(task.done() for task in self.tasks)


Scenario = Callable[[House], Any]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Scenario], None]:
    """Play a scenario in virtual time; the engine's two loops must still run when it ends."""
    monkeypatch.setattr(asyncio, "to_thread", at_once)
    folder = tmp_path / "source"
    folder.mkdir()
    ledger = Ledger(tmp_path / "ledger.sqlite3")

    async def played(scenario: Scenario) -> None:
        house = House(folder, ledger)
        house.start()
        await scenario(house)
        assert house.alive()

    def play_it(scenario: Scenario) -> None:
        try:
            run(played(scenario))
        finally:
            ledger.close()

    return play_it


def per_file(outcome: dict[str, Any]) -> Callable[[Any], Any]:
    """A group fails as its worst file does; a file that was died on is not read again."""

    def answer(task: Any) -> Any:
        if not isinstance(task, Ingest):
            return None
        found = [outcome.get(one.name.decode()) for one in task.files if not one.unread and one.failed is None]
        return next((one for one in found if isinstance(one, Exception)), None)

    return answer


def test_what_has_settled_is_one_group_and_the_largest_groups_are_cut(play: Any) -> None:
    async def scenario(house: House) -> None:
        names = [f"{number}.csv" for number in range(GROUP_FILES + 1)]
        house.intake.drop(*names)
        await until(lambda: len(house.ingest.of(Ingest)) == 2)
        assert house.taken() == [names[:-1], names[-1:]]
        await until(lambda: house.engine.waiting() == 0)

    play(scenario)


def test_where_a_group_fails_each_file_is_tried_alone_and_all_are_waited_for_until_that_is_known(play: Any) -> None:
    waiting: list[int] = []

    async def scenario(house: House) -> None:
        answer = per_file({"b.csv": DIED})

        def told(task: Any) -> Any:
            if isinstance(task, Ingest):
                waiting.append(house.engine.waiting())
            return answer(task)

        house.ingest.answer = told
        house.intake.drop("a.csv", "b.csv", "c.csv")
        await until(lambda: house.engine.waiting() == 0 and house.ingest.tasks)
        assert house.taken() == [["a.csv", "b.csv", "c.csv"], ["a.csv"], ["b.csv"], ["b.csv"], ["b.csv"], ["c.csv"]]
        assert [task.files[0].unread for task in house.ingest.of(Ingest)] == [False] * 4 + [True, False]
        assert waiting == [3] * 6
        assert house.engine.problems == {}

    play(scenario)


def test_a_worker_that_dies_once_on_a_file_costs_nothing(play: Any) -> None:
    async def scenario(house: House) -> None:
        deaths = iter([DIED])
        house.ingest.answer = lambda task: next(deaths, None) if isinstance(task, Ingest) else None
        house.intake.drop("a.csv")
        await until(lambda: len(house.ingest.of(Ingest)) == 2)
        assert not any(task.files[0].unread for task in house.ingest.of(Ingest))
        assert house.ingest.times[0] == house.ingest.times[1]

    play(scenario)


@pytest.mark.parametrize("error", [FULL, NO_PYTHON])
def test_a_broken_machine_is_waited_for_with_the_whole_group_and_heals(play: Any, error: Exception) -> None:
    async def scenario(house: House) -> None:
        house.ingest.answer = lambda _task: error
        house.intake.drop("a.csv", "b.csv")
        await until(lambda: len(house.ingest.tasks) == 7)
        assert house.taken() == [["a.csv", "b.csv"]] * 7
        pauses = [after - before for before, after in zip(house.ingest.times, house.ingest.times[1:], strict=False)]
        assert pauses == pytest.approx([5, 10, 20, 40, 60, 60])
        assert str(error) in house.engine.problems["ingestion"]
        assert house.engine.waiting() == 2
        house.ingest.answer = lambda _task: None
        await until(lambda: house.engine.waiting() == 0)
        assert house.engine.problems == {}

    play(scenario)


def test_a_file_that_was_replaced_while_the_machine_was_broken_is_left_to_the_intake(play: Any) -> None:
    async def scenario(house: House) -> None:
        house.ingest.answer = lambda _task: FULL
        house.intake.drop("a.csv", "b.csv")
        await until(lambda: house.ingest.tasks)
        (house.intake.folder / "a.csv").write_text("half of another fi")
        house.ingest.answer = lambda _task: None
        await until(lambda: house.engine.waiting() == 0)
        assert house.taken() == [["a.csv", "b.csv"], ["b.csv"]]

    play(scenario)


def test_a_file_that_fails_is_tried_ever_more_rarely_and_holds_up_nobody(play: Any) -> None:
    async def scenario(house: House) -> None:
        house.ingest.answer = per_file({"bad.csv": BUG})
        house.intake.drop("bad.csv")
        await until(lambda: "files" in house.engine.problems)
        assert "bad.csv" in house.engine.problems["files"]
        await until(lambda: house.recorded_as_failed() == ["bad.csv"])
        assert house.engine.waiting() == 1
        house.intake.drop("good.csv")
        assert await until(lambda: ["good.csv"] in house.taken()) < 1
        assert "files" in house.engine.problems
        await asyncio.sleep(3600)
        tries = house.taken().count(["bad.csv"])
        assert 8 <= tries <= 11  # 5, 10, 20, ... 900 seconds apart
        house.ingest.answer = lambda _task: None
        await until(lambda: house.engine.waiting() == 0)
        assert house.engine.problems == {}

    play(scenario)


def test_a_failed_file_that_was_taken_away_is_forgotten(play: Any) -> None:
    async def scenario(house: House) -> None:
        house.ingest.answer = per_file({"bad.csv": BUG})
        house.intake.drop("bad.csv")
        await until(lambda: "files" in house.engine.problems)
        (house.intake.folder / "bad.csv").unlink()
        await until(lambda: house.engine.waiting() == 0)
        assert house.engine.problems == {}
        assert house.taken() == [["bad.csv"]]

    play(scenario)


def test_a_decision_waits_for_quiet_and_a_new_model_is_followed(play: Any) -> None:
    async def scenario(house: House) -> None:
        def decide(task: Any) -> int | None:
            if isinstance(task, Decide):
                house.deploy(1)
                house.want_decision(wanted=False)
                return 1
            return None

        house.model.answer = decide
        house.want_decision()
        house.intake.drop("a.csv")
        await until(lambda: house.engine.undecided() == 0 and house.served)
        assert house.model.times[0] - house.ingest.times[0] >= engines.QUIET_SECONDS
        assert house.served == [1]
        assert house.ingest.of(Rescore) == [Rescore()]

    play(scenario)


def test_files_that_never_end_delay_a_decision_for_so_long_and_no_longer(play: Any) -> None:
    async def scenario(house: House) -> None:
        house.model.answer = lambda _task: house.want_decision(wanted=False)
        house.want_decision()
        while not house.model.tasks:
            house.intake.drop(f"{len(house.ingest.tasks)}.csv")
            await asyncio.sleep(0.1)
        late = Settings().ingestion.decide_after_seconds
        assert late <= house.model.times[0] <= late + 1

    play(scenario)


def test_a_deployment_whose_worker_died_before_it_could_tell_is_followed(play: Any) -> None:
    async def scenario(house: House) -> None:
        def decide(task: Any) -> Any:
            if isinstance(task, Decide):
                house.deploy(1)
                house.want_decision(wanted=False)
            return DIED if isinstance(task, Decide) else None

        house.model.answer = decide
        house.want_decision()
        house.intake.drop("a.csv")
        await until(lambda: house.served)
        await until(lambda: house.engine.undecided() == 0)
        assert house.served == [1]
        assert house.ingest.of(Rescore) == [Rescore()]

    play(scenario)


def test_a_rank_that_fails_is_made_up_for(play: Any) -> None:
    async def scenario(house: House) -> None:
        outcomes = iter([DIED, FULL])
        house.ingest.answer = lambda task: next(outcomes, None) if isinstance(task, Rescore) else None
        house.deploy(1)
        house.intake.drop("a.csv")
        await until(lambda: len(house.ingest.of(Rescore)) == 2)
        assert "deployment" in house.engine.problems
        await until(lambda: house.engine.undecided() == 0)
        assert house.engine.problems == {}

    play(scenario)


def test_a_release_that_cannot_be_read_is_told_and_tried_again(play: Any) -> None:
    async def scenario(house: House) -> None:
        house.serves = False
        house.deploy(1)
        house.intake.drop("a.csv")
        await until(lambda: len(house.served) == 3)
        assert "deployment" in house.engine.problems
        assert house.engine.undecided() == 1
        house.serves = True
        await until(lambda: house.engine.undecided() == 0)
        assert house.engine.problems == {}

    play(scenario)


def test_a_decision_is_given_up_when_its_worker_has_died_on_it_twice(play: Any) -> None:
    async def scenario(house: House) -> None:
        def decide(task: Any) -> Any:
            if task == Decide(give_up=True):
                house.want_decision(wanted=False)
                return None
            return DIED

        house.model.answer = decide
        house.want_decision()
        house.intake.drop("a.csv")
        await until(lambda: len(house.model.tasks) == 3)
        assert house.model.tasks == [Decide(), Decide(), Decide(give_up=True)]
        await until(lambda: not house.engine.problems)

    play(scenario)


@pytest.mark.parametrize("error", [FULL, NO_PYTHON])
def test_a_broken_machine_never_has_a_decision_given_up(play: Any, error: Exception) -> None:
    async def scenario(house: House) -> None:
        house.model.answer = lambda _task: error
        house.want_decision()
        house.intake.drop("a.csv")
        await until(lambda: len(house.model.tasks) == 6)
        assert house.model.of(Decide) == [Decide()] * 6
        assert house.model.times[5] - house.model.times[4] == pytest.approx(60, abs=1)
        assert str(error) in house.engine.problems["decision"]

    play(scenario)


def test_reports_that_fail_are_tried_ever_more_rarely_and_never_cost_a_decision(play: Any) -> None:
    async def scenario(house: House) -> None:
        house.deploy(1, reported=False)
        house.model.answer = lambda task: DIED if isinstance(task, Report) else None
        house.intake.drop("a.csv")
        await asyncio.sleep(3600)
        assert 5 <= len(house.model.of(Report)) <= 12
        house.model.answer = lambda task: DIED if isinstance(task, Report) else house.want_decision(wanted=False)
        house.want_decision()
        house.intake.drop("b.csv")
        await until(lambda: house.model.of(Decide))
        assert house.model.of(Decide)[0] == Decide(give_up=False)

    play(scenario)


def test_the_model_worker_goes_when_there_is_nothing_to_do(play: Any) -> None:
    async def scenario(house: House) -> None:
        house.deploy(1, reported=False)

        def report(_task: Any) -> None:
            with house.ledger.write() as connection:
                models.set_reported(connection, 1)

        house.model.answer = report
        house.intake.drop("a.csv")
        late = await until(lambda: house.model.rests)
        idle = Settings().engine.model_worker_idle_seconds
        assert idle <= late - house.model.times[0] <= idle + 2
        await asyncio.sleep(3600)
        assert house.model.rests == 1

    play(scenario)


def test_a_ledger_that_cannot_be_read_is_told_and_heals(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(house: House) -> None:
        with monkeypatch.context() as patch:
            error = OperationalError("SELECT", {}, Exception("disk I/O error"))
            patch.setattr(house.ledger, "read", lambda: (_ for _ in ()).throw(error))
            house.intake.drop("a.csv")
            await until(lambda: "ledger" in house.engine.problems)
            assert house.engine.problems["ledger"].endswith("disk I/O error")
            await asyncio.sleep(60)
        await until(lambda: not house.engine.problems, seconds=10)

    play(scenario)


def test_a_finaldata_that_cannot_be_written_is_told_and_tried_ever_more_rarely(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines.versions, "finaldata_is_behind", lambda _connection: True)

    async def scenario(house: House) -> None:
        house.ingest.answer = lambda task: FULL if isinstance(task, WriteFinaldata) else None
        house.intake.drop("a.csv")
        await asyncio.sleep(600)
        assert 8 <= len(house.ingest.of(WriteFinaldata)) <= 15
        assert str(FULL) in house.engine.problems["finaldata"]
        house.ingest.answer = lambda _task: None
        await until(lambda: not house.engine.problems, seconds=65)

    play(scenario)


def test_small_parts_are_put_together_when_no_file_comes_and_as_long_as_there_are_any(play: Any) -> None:
    async def scenario(house: House) -> None:
        house.start_compaction()
        steps = iter([True, True, False])
        house.ingest.answer = lambda task: next(steps) if isinstance(task, Compact) else None
        house.intake.drop("a.csv")
        await until(lambda: len(house.ingest.of(Compact)) == 3, seconds=5)
        assert house.ingest.times[house.ingest.tasks.index(Compact())] >= engines.COMPACT_QUIET_SECONDS
        await asyncio.sleep(600)
        assert len(house.ingest.of(Compact)) == 3, "there was nothing left to do, and nothing has come"
        steps = iter([False])
        house.intake.drop("b.csv")
        await until(lambda: len(house.ingest.of(Compact)) == 4, seconds=5)

    play(scenario)


def test_while_files_keep_coming_small_parts_are_put_together_now_and_then(play: Any) -> None:
    async def scenario(house: House) -> None:
        house.start_compaction()
        house.ingest.answer = lambda task: True if isinstance(task, Compact) else None
        for number in range(60):
            house.intake.drop(f"{number}.csv")
            await asyncio.sleep(1.0)
        assert 4 <= len(house.ingest.of(Compact)) <= 6

    play(scenario)


def test_parts_that_cannot_be_put_together_are_told_and_tried_ever_more_rarely(play: Any) -> None:
    async def scenario(house: House) -> None:
        house.start_compaction()
        house.ingest.answer = lambda task: FULL if isinstance(task, Compact) else None
        house.intake.drop("a.csv")
        await asyncio.sleep(600)
        assert 8 <= len(house.ingest.of(Compact)) <= 15
        assert str(FULL) in house.engine.problems["compaction"]
        house.ingest.answer = lambda _task: False
        await until(lambda: not house.engine.problems, seconds=65)

    play(scenario)


def test_what_the_last_run_left_is_put_right_before_anything_however_long_that_takes(play: Any) -> None:
    async def scenario(house: House) -> None:
        outcomes = iter([FULL, NO_PYTHON, None])
        house.ingest.answer = lambda task: next(outcomes) if isinstance(task, Recover) else None
        preparing = asyncio.ensure_future(house.engine.prepare())
        await until(lambda: len(house.ingest.tasks) == 2)
        assert "recovery" in house.engine.problems
        await preparing
        assert house.engine.problems == {}
        assert house.ingest.of(Recover) == [Recover()] * 3

    play(scenario)


def test_after_a_deployment_by_hand_the_list_is_ranked_anew_though_a_training_runs(play: Any) -> None:
    async def scenario(house: House) -> None:
        house.deploy(1)
        house.deploy(2)
        house.intake.drop("a.csv")
        await until(lambda: house.served == [2] and house.engine.undecided() == 0)
        with house.ledger.write() as connection:
            models.set_current(connection, 1)
        house.engine.deployed_by_hand(1)
        assert house.engine.undecided() == 1, "it is known at once that something is left to do"
        await until(lambda: house.engine.undecided() == 0)
        assert house.served == [2, 1]
        assert len(house.ingest.of(Rescore)) == 2

    play(scenario)


def test_a_deployment_by_hand_that_came_to_nothing_leaves_nothing_to_do(play: Any) -> None:
    async def scenario(house: House) -> None:
        house.deploy(2)
        house.intake.drop("a.csv")
        await until(lambda: house.served == [2] and house.engine.undecided() == 0)
        house.engine.deployed_by_hand(None)
        assert house.engine.undecided() == 0
        await asyncio.sleep(1.0)
        assert house.served == [2]

    play(scenario)


def test_after_a_schema_reset_the_files_are_taken_again(play: Any) -> None:
    async def scenario(house: House) -> None:
        house.intake.drop("a.csv")
        await until(lambda: house.taken() == [["a.csv"]])
        house.ingest.answer = lambda task: ["a.csv"] if isinstance(task, ResetSchema) else None
        assert await house.engine.reset_schema() == ["a.csv"]
        await until(lambda: house.taken() == [["a.csv"]] * 2)

    play(scenario)


def test_a_failed_file_is_not_waited_for_by_a_decision(tmp_path: Path) -> None:
    async def scenario() -> None:
        worker: Any = CardboardWorker(lambda _task: BUG)
        problems: dict[str, str] = {}
        taking, intake = Taking(tmp_path, worker, problems), CardboardIntake(tmp_path)
        cardboard: Any = intake

        async def committed() -> None:
            return

        task = asyncio.ensure_future(taking.run(cardboard, committed=committed))
        intake.drop("bad.csv")
        await until(lambda: problems)
        await asyncio.sleep(1)
        assert taking.waiting() == 1
        assert taking.quiet_since(asyncio.get_running_loop().time()) > 0.9
        task.cancel()

    run(scenario())
