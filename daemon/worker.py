"""A worker process: reads tasks from its standard input, answers on a pipe of its own, dies with its parent.

Started as ``python -m daemon.worker ROLE``; the first line that it reads is the greeting with its settings. What it
tells is what the ledger has made true, so it may be killed at any moment.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

import msgspec

from daemon.tasks import Greeting, Refused, Reply, Role, Task
from server.front import keep_pandas_out

PR_SET_PDEATHSIG = 1
OUT_OF_MEMORY = 3
"""The exit code of a worker that came to the limit of its memory."""
OOM_SCORE = {"pipeline": 300, "ingest": 500, "model": 900}
"""Whom the kernel ends first when memory runs out: never the process that answers."""

NICE = {"pipeline": 0, "ingest": 10, "model": 19}
"""Who waits when the processors are busy: a request for nobody, and so the pipeline that answers it; a file for
requests, a training for both."""


def main(role: Role) -> None:
    """Work until the standard input ends."""
    out = _own_output()
    _die_with_parent()
    _be_the_first_to_go(role)
    for number in (signal.SIGINT, signal.SIGHUP):  # a terminal sends them to all; the front decides what they mean
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL if role == "model" else signal.SIG_IGN)
    os.nice(NICE[role])
    if role == "ingest":
        keep_pandas_out()
    lines = sys.stdin.buffer
    first = lines.readline()
    if not first:
        return  # the front is gone
    try:
        greeting = msgspec.json.decode(first, type=Greeting)
        if role == "ingest":
            _limit_memory(greeting.settings["engine"]["ingest_memory_bytes"])
        run = _workbench(role, greeting, out)
    except Exception as error:
        _say(out, _failed(error))
        raise SystemExit(1) from None
    _say(out, Reply(done=True, answer=os.getpid()))
    for line in lines:
        _say(out, Reply(taken=True))
        _say(out, _answer(run, line))


def _workbench(role: Role, greeting: Greeting, out: BinaryIO) -> Callable[[Task], Any]:
    """What does this role's tasks. The process that reads what was dropped never unpickles anything."""
    if role == "pipeline":
        from daemon.pipeline_tasks import Holder

        return Holder(greeting).run
    from daemon.worker_tasks import Workbench

    def tell(event: str, fields: dict[str, Any]) -> None:
        _say(out, Reply(event=event, fields=fields))

    return Workbench(greeting, tell, opens=role == "model").run


def _answer(run: Callable[[Task], Any], line: bytes) -> Reply:
    try:
        return Reply(done=True, answer=run(msgspec.json.decode(line, type=Task)))
    except Refused as error:
        return Reply(done=True, failed=str(error), refused=True)
    except MemoryError:  # what is left is too little to go on; whoever asked tries the files one by one
        sys.stderr.write(traceback.format_exc(limit=-3))
        sys.stderr.flush()
        os._exit(OUT_OF_MEMORY)
    except Exception as error:
        return _failed(error)


def _failed(error: Exception) -> Reply:
    from daemon.failures import failure_of

    failure = failure_of(error)
    return Reply(done=True, failed=failure.message, fields={"trace": failure.trace}, broken=failure.broken)


def _say(out: BinaryIO, reply: Reply) -> None:
    try:
        out.write(msgspec.json.encode(reply) + b"\n")
        out.flush()
    except BrokenPipeError:
        os._exit(0)  # the front is gone: nobody is left to answer to


def _limit_memory(limit: int) -> None:
    """What the process may allocate; files that it maps do not count, the kernel can take those back."""
    with contextlib.suppress(OSError, ValueError):  # a lower limit from outside stays
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _own_output() -> BinaryIO:
    """The pipe to the front; whatever a library prints goes to standard error instead."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out


def _die_with_parent() -> None:
    parent = os.getppid()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
    threading.Thread(target=_watch_parent, args=(parent,), daemon=True).start()


def _watch_parent(parent: int) -> None:
    """Where the kernel does not tell: look once a second."""
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(1.0)
    os._exit(0)


def _be_the_first_to_go(role: Role) -> None:
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123 - no path to join
        file.write(str(OOM_SCORE[role]))


if __name__ == "__main__":
    main(msgspec.convert(sys.argv[1], Role))
