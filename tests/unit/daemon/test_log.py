"""The log: its form, its catalogue, and that it never stands in the way."""

from __future__ import annotations

import json
import logging
import os
import re
import select
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path, PurePath

import numpy as np
import pytest
import structlog

from daemon import log

PAGE = (Path(__file__).parents[3] / "docs" / "log-events.md").read_text(encoding="utf-8")


@pytest.fixture
def written() -> Iterator[Callable[..., str]]:
    """Configure the log to a pipe; the answer to a call is what has been written so far."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    root = logging.getLogger()
    before = root.level, root.handlers[:]

    def configure(level: str = "info", *, terminal: bool = False) -> str:
        log.configure(level, fd=writer, terminal=terminal)
        return os.read(reader, 100_000).decode() if _has_data(reader) else ""

    log.configure(fd=writer, terminal=False)
    yield configure
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.captureWarnings(capture=False)
    root.handlers[:] = before[1]
    root.setLevel(before[0])
    os.close(reader)
    os.close(writer)


def _has_data(reader: int) -> bool:
    return bool(select.select([reader], [], [], 0)[0])


def test_a_line_is_one_json_object_with_time_level_event_and_ids(written: Callable[..., str]) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        log.emit(
            "file.ingested", file="a.csv", sha256="00", rows={"read": 3}, seconds=np.float64(0.5), at=PurePath("x")
        )
    line = json.loads(written())
    moment = line.pop("timestamp")
    assert moment.endswith("Z")
    assert datetime.fromisoformat(moment).utcoffset() is not None
    assert list(line)[:2] == ["level", "event"]
    assert line == {
        "level": "info",
        "event": "file.ingested",
        "request_id": "r1",
        "file": "a.csv",
        "sha256": "00",
        "rows": {"read": 3},
        "seconds": 0.5,
        "at": "x",
    }


@pytest.mark.parametrize("write", [lambda: log.emit("file.eaten"), lambda: log.get().info("file.eaten")])
def test_an_event_that_is_not_in_the_catalogue_is_refused(
    written: Callable[..., str], write: Callable[[], None]
) -> None:
    with pytest.raises(KeyError, match=r"file\.eaten"):
        write()
    assert written() == ""


def test_an_exception_is_a_field_of_its_line(written: Callable[..., str]) -> None:
    try:
        raise ValueError("no such\nthing")
    except ValueError:
        log.emit("file.failed", file="a.csv", exc_info=True)
    (line,) = written().splitlines()
    assert json.loads(line)["level"] == "error"
    assert json.loads(line)["exception"].endswith("ValueError: no such\nthing")


def test_names_that_are_not_utf_8_and_broken_text_are_shown_with_backslashes(written: Callable[..., str]) -> None:
    log.emit("file.ignored", file=os.fsdecode(b"kunde-\xfc.csv"), detail="half \ud800", more=[{"\udcff": float("nan")}])
    line = json.loads(written())
    assert line["file"] == "kunde-\\xfc.csv"
    assert line["detail"] == "half \\ud800"
    assert line["more"] == [{"\\xff": None}]


def test_a_field_that_cannot_be_shown_does_not_cost_the_line(written: Callable[..., str]) -> None:
    circle: list[object] = []
    circle.append(circle)
    log.emit("worker.died", detail=circle)
    line = json.loads(written())
    assert line["event"] == "worker.died"
    assert "unshown" in line


def test_libraries_and_warnings_come_in_the_same_form_from_warning_on(written: Callable[..., str]) -> None:
    logging.getLogger("aiohttp.server").info("hello")
    logging.getLogger("aiohttp.server").error("Error in %s", os.fsdecode(b"\xfc"))
    (handler,) = (each for each in logging.getLogger().handlers if type(each).__module__ == "daemon.log")
    handler.handle(logging.LogRecord("x", logging.ERROR, __file__, 1, "one %s", ("word", "too many"), None))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old ways", stacklevel=1)
    lines = [json.loads(line) for line in written().splitlines()]
    assert [line["event"] for line in lines] == ["library.message"] * 3
    assert (lines[0]["logger"], lines[0]["level"], lines[0]["message"]) == ("aiohttp.server", "error", "Error in \\xfc")
    assert "cannot be shown" in lines[1]["message"]
    assert lines[2]["logger"] == "py.warnings"
    assert "old ways" in lines[2]["message"]


def test_a_terminal_gets_readable_text(written: Callable[..., str]) -> None:
    written(terminal=True)
    log.emit("file.ingested", file="a.csv")
    line = written()
    assert not line.startswith("{")
    assert "file.ingested" in line
    assert "file=a.csv" in line


def test_below_the_level_nothing_is_written(written: Callable[..., str]) -> None:
    written("warning")
    log.emit("file.ingested", file="a.csv")
    log.emit("file.quarantined", file="b.csv")
    assert [json.loads(line)["event"] for line in written().splitlines()] == ["file.quarantined"]


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "2>&1 | true"])
def test_a_standard_error_that_takes_nothing_does_not_stop_the_work(redirection: str, tmp_path: Path) -> None:
    program = (
        "import logging\n"
        "kept = open('kept', 'w')\n"  # gets descriptor 2, where that was closed
        "from daemon import log\n"
        "log.configure()\n"
        "for _ in range(50): log.emit('daemon.ready', url='x' * 5000)\n"
        "logging.getLogger('x').error('y')\n"
        "open('done', 'w').write(str(kept.fileno()))\n"
    )
    command = f"'{sys.executable}' -c \"$PROGRAM\" {redirection}"
    environ = {**os.environ, "PROGRAM": program, "PYTHONPATH": str(Path(__file__).parents[3])}
    script = f"set -o pipefail; {command}"
    result = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environ, check=False, timeout=60)  # noqa: S607
    assert result.returncode == 0
    assert (tmp_path / "done").exists()
    assert (tmp_path / "kept").read_text() == ""


def _sections() -> dict[str, str]:
    return dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL))


def test_the_documentation_and_the_catalogue_name_the_same_events() -> None:
    assert list(_sections()) == list(log.EVENTS)


@pytest.mark.parametrize("event", log.EVENTS)
def test_the_documentation_says_of_an_event_what_the_program_does(event: str) -> None:
    section = _sections()[event]
    assert log.EVENTS[event] in section
    level, fields = re.findall(r"^Level `(\w+)`\. Fields: (.+)\.$", section, flags=re.MULTILINE)[0]
    (example,) = re.findall(r"```json\n(.+)\n```", section)
    line = json.loads(example)
    assert (line["event"], line["level"], level) == (event, log.level_of(event), log.level_of(event))
    assert list(line)[3:] == re.findall(r"`(\w+)`", fields)
