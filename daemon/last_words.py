"""What nobody has caught becomes a line of the log like any other, never a bare traceback."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

from daemon import log


def install() -> None:
    """Take over the hooks that Python calls for exceptions which end the program, end a thread, or can do neither.

    What ends a task of the event loop comes through the logger of asyncio.
    """
    sys.excepthook = _program
    threading.excepthook = _thread
    sys.unraisablehook = _unraisable


def _program(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.emit("daemon.failed", detail=_one_line(kind, error), exc_info=(kind, error, trace))


def _thread(args: threading.ExceptHookArgs) -> None:
    name = "a thread" if args.thread is None else f"the thread {args.thread.name}"
    error = args.exc_value or args.exc_type()
    log.emit(
        "library.message",
        logger="threading",
        message=f"{name} ended: {_one_line(args.exc_type, error)}",
        exc_info=(args.exc_type, error, args.exc_traceback),
    )


def _unraisable(args: sys.UnraisableHookArgs) -> None:
    error = args.exc_value or args.exc_type()
    log.emit(
        "library.message",
        logger="python",
        message=f"{args.err_msg or 'Exception ignored in'} {args.object!r}: {_one_line(args.exc_type, error)}",
        exc_info=(args.exc_type, error, args.exc_traceback),
    )


def _one_line(kind: type[BaseException], error: BaseException) -> str:
    return f"{kind.__name__}: {error}"
