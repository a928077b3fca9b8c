"""A real daemon for a test: its own process group, its log as lines, its address, its end."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Container, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.end_to_end import books

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
"""Seconds for anything to happen on a slow machine; what is asserted about speed stands in the benchmarks."""

ENVIRONMENT = {"ATTRITIOND__SERVER__PORT": "0", "ATTRITIOND__LOGGING__REQUEST_SAMPLE": "0"}

PIPE_BYTES = 1024 * 1024
BUGS = ("task.failed", "daemon.failed", "not-json")

Line = dict[str, Any]


class DaemonProcess:
    """``python -m daemon run`` on a workspace, with any free port. ``lines`` grows while it runs."""

    def __init__(self, config: Path, environment: Mapping[str, str] | None = None) -> None:
        self.config = config
        self.lines: list[Line] = []
        self.began = time.monotonic()
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "daemon", *self._arguments()],
            cwd=PROJECT,
            env={**os.environ, **ENVIRONMENT, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        if self._process.stderr is not None:  # room for a burst of lines, so that we never hold it up
            fcntl.fcntl(self._process.stderr.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _arguments(self) -> tuple[str, ...]:
        return ("run", "--config", str(self.config))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def root(self) -> Path:
        return self.config.parent

    @property
    def url(self) -> str:
        """Where it answers; waits until it does."""
        return str(self.wait_for("daemon.ready")["url"])

    def is_running(self) -> bool:
        return self._process.poll() is None

    # -- its log --------------------------------------------------------------------------------------------------

    def wait_for(
        self, event: str, *, after: int = 0, seconds: float = PATIENCE, where: Callable[[Line], bool] | None = None
    ) -> Line:
        """The first line with this event from number ``after`` on, now or within ``seconds``."""
        until = time.monotonic() + seconds
        with self._changed:
            while True:
                for line in self.lines[after:]:
                    if line["event"] == event and (where is None or where(line)):
                        return line
                left = until - time.monotonic()
                if left <= 0 or (not self.is_running() and not self._reader.is_alive()):
                    raise AssertionError(f"no {event} within {seconds:g} s\n{self.tail()}")
                self._changed.wait(min(left, 0.5))

    def events(self, event: str) -> list[Line]:
        """All lines with this event so far."""
        return [line for line in list(self.lines) if line["event"] == event]

    def wait_count(self, event: str, count: int) -> Line:
        """The last of so many lines with this event."""
        self.until(lambda: len(self.events(event)) >= count, f"{count} times {event}")
        return self.events(event)[count - 1]

    def worker(self, role: str) -> int | None:
        """The pid of the newest worker of this role that was started, if it is still there."""
        pids = [line["pid"] for line in self.events("worker.started") if line["worker"] == role]
        return pids[-1] if pids and Path(f"/proc/{pids[-1]}").exists() else None

    def tail(self, lines: int = 30) -> str:
        """The end of the log, for a message."""
        return "the daemon's log ends with\n" + "\n".join(json.dumps(line)[:600] for line in self.lines[-lines:])

    def until(self, condition: Callable[[], Any], what: str, *, seconds: float = PATIENCE) -> Any:
        """What the condition answers once it is true. ``what``: for the message when it is not in time."""
        end = time.monotonic() + seconds
        while True:
            answer = condition()
            if answer:
                return answer
            assert self.is_running(), f"the daemon has ended while waiting: {what}\n{self.tail()}"
            assert time.monotonic() < end, f"not within {seconds:g} s: {what}\n{self.tail()}"
            time.sleep(0.02)

    # -- its answers ----------------------------------------------------------------------------------------------

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and body of one request on a connection of its own."""
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path: str, *, status: int = 200) -> Any:
        """The JSON that a GET answers."""
        got, body = self.request("GET", path)
        assert got == status, f"GET {path} answered {got}: {body[:500]!r}\n{self.tail()}"
        return json.loads(body)

    def post(self, path: str, document: Any, *, status: int = 200) -> Any:
        """The JSON that a POST of JSON answers."""
        got, body = self.request("POST", path, json.dumps(document).encode(), {"Content-Type": "application/json"})
        assert got == status, f"POST {path} answered {got}: {body[:500]!r}\n{self.tail()}"
        return json.loads(body)

    def files(self) -> dict[str, dict[str, Any]]:
        """The newest record of each file name, all pages."""
        return {item["name"]: item for item in reversed(self.file_records())}

    def file_records(self) -> list[dict[str, Any]]:
        """Every record of a file, newest first."""
        items: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.get(f"/v1/files?limit=500{cursor}")
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = f"&cursor={page['next']}"

    def wait_file(self, name: str, *states: str) -> dict[str, Any]:
        """The newest record under this name, once it is in one of the states."""

        def found() -> dict[str, Any] | None:
            item = self.files().get(name)
            return item if item is not None and (not states or item["state"] in states) else None

        item: dict[str, Any] = self.until(found, f"{name} is {' or '.join(states) or 'recorded'}")
        return item

    def wait_idle(self, *, seconds: float = PATIENCE) -> dict[str, Any]:
        """What /readyz answers when nothing waits and nothing is undecided."""

        def idle() -> dict[str, Any] | None:
            _, body = self.request("GET", "/readyz")
            answer: dict[str, Any] = json.loads(body)
            begun = "source_folder" not in answer["problems"]  # it has read the folder
            return answer if begun and answer["waiting"] == 0 and answer["undecided"] == 0 else None

        answer: dict[str, Any] = self.until(idle, "nothing waits and nothing is undecided", seconds=seconds)
        return answer

    def wait_settled(self, *, seconds: float = PATIENCE) -> None:
        """Nothing waits, nothing is undecided, the first model was challenged, and finaldata.csv is written."""
        self.wait_idle(seconds=seconds)

        def settled() -> bool:
            state = books.fact(self.root, "decision_state") or {}
            return not state.get("challenge_due") and books.finaldata_is_current(self.root)

        self.until(settled, "the challenge is over and finaldata.csv is written", seconds=seconds)

    # -- its end --------------------------------------------------------------------------------------------------

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the front process."""
        os.kill(self.pid, number)

    def stop(self, *, seconds: float = 30.0) -> float:
        """SIGTERM; the exit code must be 0. Returns the seconds that it took."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        code = self.wait_end(seconds=seconds)
        assert code == 0, f"SIGTERM ended it with {code}\n{self.tail()}"
        return time.monotonic() - began

    def wait_end(self, *, seconds: float = PATIENCE) -> int:
        """The exit code, once it has ended."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it has not ended within {seconds:g} s\n{self.tail()}") from None
        self._close()
        return code

    def kill(self) -> None:
        """kill -9 of the whole process group, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)
        self._close()

    def _close(self) -> None:
        self._reader.join(10.0)
        if self._process.stderr is not None and not self._reader.is_alive():
            self._process.stderr.close()

    def _read(self) -> None:
        stream = self._process.stderr
        if stream is None:
            return
        for raw in stream:
            try:
                line = json.loads(raw)
            except ValueError:
                line = {"event": "not-json", "text": raw.decode("utf-8", "replace").rstrip()}
            line["arrived"] = time.monotonic()
            with self._changed:
                self.lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


@contextlib.contextmanager
def running(
    config: Path, *, expected: Container[str] = (), environment: Mapping[str, str] | None = None
) -> Iterator[DaemonProcess]:
    """A daemon that answers; it is killed afterwards if the test has not stopped it.

    Nothing that it logs may tell of a bug, but for events that are ``expected``.
    """
    process = DaemonProcess(config, environment)
    try:
        process.wait_for("daemon.ready")
        yield process
    finally:
        process.kill()
    bugs = [line for line in process.lines if line["event"] in BUGS and line["event"] not in expected]
    assert not bugs, f"the log tells of a bug: {bugs}"


def run_command(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``attritiond`` with arguments and the configuration, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "daemon", *arguments, "--config", str(config)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
