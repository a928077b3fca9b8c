"""Real worker processes: what kills them, what they inherit, and what never reaches the pipe."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon import workers
from daemon.bootstrap import open_ledger
from daemon.keeping_running import keep_running
from daemon.settings import Settings, workspace
from daemon.tasks import Activate, Greeting, Recover, ResetSchema, Role
from daemon.worker import OUT_OF_MEMORY
from daemon.workers import DEATHS_IN_A_ROW, NotStarted, TaskFailed, Worker, WorkerDied
from handlers.storage import lock

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0


class House:
    """A workspace with its lock, and workers on it; ``told`` is what the log was told."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config.json"
        self.folders = workspace(Settings(), self.config)
        self.lock = lock.acquire(self.folders.lock)
        open_ledger(Settings(), self.folders).close()
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.workers: list[Worker] = []

    def worker(self, role: Role = "ingest", *, timeout: float = PATIENCE) -> Worker:
        greeting = Greeting(msgspec.to_builtins(Settings()), str(self.config))
        worker = Worker(role, greeting, self.lock, lambda event, fields: None, timeout=timeout)
        self.workers.append(worker)
        return worker

    def of(self, event: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.told if name == event]

    @contextlib.contextmanager
    def locked_ledger(self) -> Iterator[None]:
        """Nobody else can write: a task that wants to is taken and hangs."""
        with contextlib.closing(sqlite3.connect(self.folders.ledger, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            yield


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    made = House(tmp_path)
    monkeypatch.setattr(workers.log, "emit", lambda event, **fields: made.told.append((event, fields)))
    yield made
    for worker in made.workers:
        await worker.stop(0.0)
    with contextlib.suppress(OSError):
        os.close(made.lock)


def _gone(pid: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


async def _until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came about"
        await asyncio.sleep(0.01)


async def test_a_worker_is_started_when_needed_and_stays(house: House) -> None:
    worker = house.worker()
    assert worker.pid is None
    await worker.submit(Recover())
    pid = worker.pid
    await worker.submit(Recover())
    assert worker.pid == pid
    assert house.of("worker.started") == [{"worker": "ingest", "pid": pid}]
    await worker.rest()
    assert worker.pid is None
    assert _gone(int(pid or 0))
    await worker.submit(Recover())
    assert house.of("worker.died") == []


async def test_the_death_of_an_idle_worker_is_told_at_once(house: House) -> None:
    worker = house.worker("model")
    await worker.submit(Recover())
    os.kill(int(worker.pid or 0), signal.SIGKILL)
    await _until(lambda: house.of("worker.died"))
    assert (worker.pid, worker.deaths) == (None, 1)


async def test_a_worker_that_is_kept_running_is_there_again_after_its_death(house: House) -> None:
    worker = house.worker()
    keeper = asyncio.ensure_future(keep_running(worker))
    await _until(lambda: len(house.of("worker.started")) == 1)
    pid = int(worker.pid or 0)
    os.kill(pid, signal.SIGKILL)
    await _until(lambda: len(house.of("worker.started")) == 2)
    assert worker.pid not in (None, pid)
    assert [died["pid"] for died in house.of("worker.died")] == [pid]
    await worker.stop(1.0)
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)
    assert len(house.of("worker.started")) == 2


@pytest.mark.parametrize("noticed", [True, False])
async def test_a_worker_that_dies_while_idle_is_started_again_and_costs_no_task(house: House, noticed: bool) -> None:
    worker = house.worker()
    await worker.submit(Recover())
    pid = int(worker.pid or 0)
    os.kill(pid, signal.SIGKILL)
    if noticed:
        await _until(lambda: worker.pid is None)
    await worker.submit(Recover())
    assert worker.pid not in (None, pid)
    (died,) = house.of("worker.died")
    assert died == {"worker": "ingest", "pid": pid, "exit": "SIGKILL", "detail": "it ended while it was idle"}


async def test_a_worker_that_is_killed_in_a_task_has_died_on_it(house: House) -> None:
    worker = house.worker()
    await worker.submit(Recover())
    pid = int(worker.pid or 0)
    with house.locked_ledger():
        task = asyncio.ensure_future(worker.submit(ResetSchema()))
        await asyncio.sleep(0.2)  # taken: it waits for the ledger
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerDied, match="SIGKILL") as caught:
            await task
    assert not caught.value.broken
    assert [died["exit"] for died in house.of("worker.died")] == ["SIGKILL"]
    await worker.submit(Recover())


async def test_a_worker_that_dies_again_and_again_is_a_problem_until_it_has_finished_something(house: House) -> None:
    worker = house.worker()
    with house.locked_ledger():
        while worker.deaths < DEATHS_IN_A_ROW:
            assert worker.problem() is None
            task = asyncio.ensure_future(worker.submit(ResetSchema()))
            while not task.done():
                await asyncio.sleep(0.2)  # taken, most likely: it waits for the ledger
                if worker.pid is not None:
                    os.kill(worker.pid, signal.SIGKILL)
            with pytest.raises(WorkerDied):
                await task
    told = worker.problem()
    assert told is not None
    assert f"The ingest worker has died {worker.deaths} times in a row" in told
    assert "(SIGKILL)" in told
    await worker.submit(Recover())
    assert worker.problem() is None
    assert len(house.of("worker.died")) == worker.deaths


async def test_a_worker_that_says_nothing_is_a_problem_before_it_is_ended(house: House) -> None:
    worker = house.worker(timeout=4.0)
    await worker.submit(Recover())
    os.kill(int(worker.pid or 0), signal.SIGSTOP)
    task = asyncio.ensure_future(worker.submit(Recover()))
    await _until(lambda: worker.problem() is not None)
    told = worker.problem()
    assert told is not None
    assert re.fullmatch(r"The ingest worker has said nothing for \d s; after 4 s .*", told)
    with pytest.raises(WorkerDied, match="no answer within 4 s"):
        await task
    assert worker.problem() is None


async def test_a_hung_worker_is_killed_and_its_late_answer_is_nobodys(house: House) -> None:
    worker = house.worker(timeout=3.0)
    await worker.submit(Recover())
    pid = int(worker.pid or 0)
    with house.locked_ledger(), pytest.raises(WorkerDied, match="no answer within 3 s"):
        await worker.submit(ResetSchema())
    assert _gone(pid)
    assert await worker.submit(Recover()) is None


async def test_a_cancelled_task_ends_its_process_so_that_the_next_gets_its_own_answer(house: House) -> None:
    worker = house.worker()
    await worker.submit(Recover())
    pid = int(worker.pid or 0)
    with house.locked_ledger():
        task = asyncio.ensure_future(worker.submit(ResetSchema()))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert _gone(pid)
    assert await worker.submit(Recover()) is None
    assert house.of("worker.died") == []


async def test_what_is_asked_and_cannot_be_is_refused_in_a_sentence(house: House) -> None:
    with pytest.raises(TaskFailed, match="There is no model 9") as caught:
        await house.worker().submit(Activate(9))
    assert caught.value.refused
    assert house.of("task.failed") == []


async def test_what_raises_fails_with_its_place_and_the_worker_goes_on(house: House) -> None:
    worker = house.worker()
    await worker.submit(Recover())
    with contextlib.closing(sqlite3.connect(house.folders.ledger)) as database:
        database.execute("DROP TABLE models")
    pid = worker.pid
    with pytest.raises(TaskFailed, match="no such table: models") as caught:
        await worker.submit(Recover())
    assert not caught.value.refused
    (failed,) = house.of("task.failed")
    assert "recovery.py" in failed["trace"]
    assert worker.pid == pid


async def test_a_stop_lets_the_running_task_end_and_answers_nobody_else(house: House) -> None:
    worker = house.worker()
    await worker.submit(Recover())
    with house.locked_ledger():
        running = asyncio.ensure_future(worker.submit(Activate(9)))
        running_too = asyncio.ensure_future(worker.submit(ResetSchema()))
        queued = asyncio.ensure_future(worker.submit(Recover()))
        with pytest.raises(TaskFailed):
            await running
        began = time.monotonic()
        await worker.stop(0.5)
        assert 0.4 < time.monotonic() - began < 3.0
        late = asyncio.ensure_future(worker.submit(Recover()))
        await asyncio.sleep(0.05)
        assert worker.pid is None
        assert not any(task.done() for task in (running_too, queued, late))
    for task in (running_too, queued, late):
        task.cancel()
    await asyncio.gather(running_too, queued, late, return_exceptions=True)
    assert house.of("worker.died") == []


async def test_a_queued_task_does_not_delay_a_stop(house: House) -> None:
    worker = house.worker()
    await worker.submit(Recover())
    tasks = [asyncio.ensure_future(worker.submit(Recover())) for _ in range(5)]
    await asyncio.sleep(0)
    began = time.monotonic()
    await worker.stop(20.0)
    assert time.monotonic() - began < 5.0
    assert not tasks[-1].done()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_python_that_is_not_there_is_a_worker_that_does_not_start(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    worker = house.worker()
    with pytest.raises(NotStarted, match="cannot be started") as caught:
        await worker.submit(Recover())
    assert caught.value.broken
    (died,) = house.of("worker.died")
    assert (died["pid"], died["exit"], worker.deaths) == (None, None, 1)
    assert "/nowhere/python" in died["detail"]


async def test_a_broken_installation_is_a_worker_that_does_not_start_and_its_last_words_are_logged(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "msgspec.py").write_text("raise ImportError('half an upgrade')\n")
    worker = house.worker()
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path / "lib"))
        with pytest.raises(NotStarted, match="does not start"):
            await worker.submit(Recover())
    await _until(lambda: any("half an upgrade" in said["message"] for said in house.of("library.message")))
    assert [died["detail"] for died in house.of("worker.died")] == ["it ended before it was ready"]
    await worker.submit(Recover())


async def test_a_ledger_that_cannot_be_opened_is_a_worker_that_does_not_start_and_says_why(house: House) -> None:
    house.folders.ledger.write_bytes(b"this is not a database, and it is long enough to be told from one" * 100)
    with pytest.raises(NotStarted, match=r"ledger\.sqlite3 cannot be opened: .*not a database"):
        await house.worker().submit(Recover())


async def test_what_lies_in_the_current_folder_is_not_imported(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("server", "handlers"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('somebody else')\n")
    monkeypatch.chdir(tmp_path)
    await house.worker().submit(Recover())


async def test_what_a_library_prints_is_logged_and_never_reaches_the_pipe(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "sitecustomize.py").write_text(
        "import os, sys\n"
        "def noise(event, args):\n"
        "    if event == 'sqlite3.connect':\n"
        "        os.write(1, b'bare noise\\n')\n"
        "        print('printed noise', flush=True)\n"
        "        import warnings; warnings.warn('a warning', stacklevel=1)\n"
        "sys.addaudithook(noise)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "lib"))
    await house.worker().submit(Recover())

    def said() -> str:
        return "".join(message["message"] for message in house.of("library.message"))

    await _until(lambda: all(words in said() for words in ("bare noise", "printed noise", "a warning")))
    assert {message["logger"] for message in house.of("library.message")} == {"worker.ingest"}


async def test_workers_give_way_to_requests_and_the_kernel_ends_a_worker_before_the_front(house: House) -> None:
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    for role, nice, score in (("ingest", mine + 10, 500), ("model", 19, 900)):
        worker = house.worker(role)  # type: ignore[arg-type]  # both are roles
        await worker.submit(Recover())
        process = Path(f"/proc/{worker.pid}")
        assert os.getpriority(os.PRIO_PROCESS, int(worker.pid or 0)) == nice
        assert int((process / "oom_score_adj").read_text()) == score
        environment = (process / "environ").read_bytes().split(b"\0")
        for name in workers.THREAD_LIMITS:
            assert f"{name}=1".encode() in environment


async def test_signals_of_a_terminal_do_not_reach_the_workers(house: House) -> None:
    for role in ("ingest", "model"):
        worker = house.worker(role)  # type: ignore[arg-type]  # both are roles
        await worker.submit(Recover())
        pid = int(worker.pid or 0)
        for number in (signal.SIGINT, signal.SIGHUP, *((signal.SIGTERM,) if role == "ingest" else ())):
            os.kill(pid, number)
        await worker.submit(Recover())
        assert worker.pid == pid


async def test_the_lock_is_held_until_the_last_worker_is_gone(house: House) -> None:
    worker = house.worker()
    await worker.submit(Recover())
    os.close(house.lock)
    with pytest.raises(lock.LockHeld):
        lock.acquire(house.folders.lock)
    await worker.rest()
    os.close(lock.acquire(house.folders.lock))


@pytest.mark.parametrize("stopped", [False, True])
def test_a_worker_dies_with_its_parent_and_the_lock_is_free(tmp_path: Path, stopped: bool) -> None:
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from tests.integration.test_workers import House\n"
        "from daemon.tasks import Recover\n"
        "async def main():\n"
        "    worker = House(Path(sys.argv[1])).worker()\n"
        "    await worker.submit(Recover())\n"
        "    print(worker.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    if stopped:
        os.kill(pid, signal.SIGSTOP)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    end = time.monotonic() + 5.0
    while not _gone(pid) and time.monotonic() < end:
        time.sleep(0.01)
    assert _gone(pid)
    while True:  # its other threads may take an instant longer
        try:
            os.close(lock.acquire(workspace(Settings(), tmp_path / "config.json").lock))
            break
        except lock.LockHeld:
            assert time.monotonic() < end
            time.sleep(0.01)


async def test_a_worker_that_was_begun_ahead_is_the_one_that_does_the_first_task(house: House) -> None:
    worker = house.worker()
    await worker.begin()
    begun = worker.pid
    assert begun is not None
    await worker.begin()
    assert worker.pid == begun
    await worker.submit(Recover())
    assert worker.pid == begun
    assert [message["pid"] for message in house.of("worker.started")] == [begun]


async def test_a_worker_that_died_after_it_was_begun_ahead_is_replaced_at_the_next_try(house: House) -> None:
    worker = house.worker()
    await worker.begin()
    begun = worker.pid or 0
    os.kill(begun, signal.SIGKILL)
    with pytest.raises(NotStarted) as caught:
        await worker.submit(Recover())
    assert caught.value.broken
    await worker.submit(Recover())
    assert worker.pid not in (None, begun)


async def test_the_ingest_worker_may_allocate_what_is_configured_and_no_more(house: House) -> None:
    limit = Settings().engine.ingest_memory_bytes
    for role, expected in (("ingest", (limit, limit)), ("model", resource.getrlimit(resource.RLIMIT_DATA))):
        worker = house.worker(role)  # type: ignore[arg-type]  # both are roles
        await worker.submit(Recover())
        assert resource.prlimit(worker.pid or 0, resource.RLIMIT_DATA) == expected


def test_a_worker_without_memory_ends_so_that_its_files_are_tried_one_by_one() -> None:
    code = (
        "import resource\n"
        "from daemon import worker\n"
        "def hungry(task):\n"
        "    resource.setrlimit(resource.RLIMIT_DATA, (1 << 28, 1 << 28))\n"
        "    return bytes(1 << 30)\n"
        'worker._answer(hungry, b\'{"type": "Recover"}\')\n'
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == OUT_OF_MEMORY
    assert "MemoryError" in done.stderr
