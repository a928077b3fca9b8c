"""What nobody has caught."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
START = "from daemon import last_words, log\nlog.configure(terminal=False)\nlast_words.install()\n"


def _lines(program: str) -> tuple[int, list[dict[str, str]]]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", START + program]
    result = subprocess.run(command, env=environ, capture_output=True, timeout=60, check=False)
    assert result.stdout == b""
    return result.returncode, [json.loads(line) for line in result.stderr.splitlines()]


def test_what_ends_the_program_is_one_line_and_exit_code_1() -> None:
    code, (line,) = _lines("{}['x']")
    assert code == 1
    assert (line["event"], line["level"], line["detail"]) == ("daemon.failed", "critical", "KeyError: 'x'")
    assert "Traceback" in line["exception"]


def test_what_ends_a_thread_is_one_line_and_ends_nothing_else() -> None:
    program = "import threading\nthread = threading.Thread(target=lambda: 1 / 0, name='pump')\n"
    code, (line,) = _lines(program + "thread.start()\nthread.join()")
    assert code == 0
    assert (line["event"], line["logger"]) == ("library.message", "threading")
    assert "the thread pump ended: ZeroDivisionError" in line["message"]
    assert "ZeroDivisionError" in line["exception"]


def test_what_a_finalizer_raises_is_one_line() -> None:
    code, (line,) = _lines("class X:\n    def __del__(self): raise ValueError('late')\nX()")
    assert code == 0
    assert (line["event"], line["logger"]) == ("library.message", "python")
    assert "ValueError: late" in line["message"]


def test_what_a_task_raises_that_nobody_awaits_is_one_line() -> None:
    program = (
        "import asyncio, gc\n"
        "async def fails(): raise ValueError('lonely')\n"
        "async def main():\n"
        "    task = asyncio.ensure_future(fails())\n"
        "    await asyncio.sleep(0)\n"
        "    del task\n"
        "    gc.collect()\n"
        "asyncio.run(main())\n"
    )
    code, (line,) = _lines(program)
    assert code == 0
    assert (line["event"], line["logger"]) == ("library.message", "asyncio")
    assert "lonely" in line["exception"]
