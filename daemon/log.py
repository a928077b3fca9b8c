"""The log: one JSON object a line on standard error, or readable text on a terminal.

Every event is in ``EVENTS``; what its fields are is in ``docs/log-events.md``. File names and hashes are written,
values of clients never. Writing never raises, and does not wait for a reader that is gone; where requests are answered,
for none.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import cast

import msgspec
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from daemon.log_lines import Lines
from handlers.domain.files import shown_name

EVENTS: dict[str, str] = {
    "daemon.ready": "The daemon answers requests and takes files.",
    "daemon.stopping": "The daemon was asked to stop and takes no more work.",
    "daemon.stopped": "The daemon has ended its work and exits.",
    "replica.ready": "A replica answers requests.",
    "replica.stopping": "A replica was asked to stop.",
    "replica.stopped": "A replica has ended, and exits.",
    "config.reloaded": "The configuration was read again, and either taken or refused.",
    "tokens.reloaded": "The tokens file was read again, and either taken or refused.",
    "certificate.reloaded": "The TLS certificate and its key were read again, and either taken or refused.",
    "folder.watched": "The source folder is watched, for the first time or anew.",
    "folder.unavailable": "The source folder cannot be read or watched; it is tried again every second.",
    "file.ingested": "Rows of a file are in the data set.",
    "file.scored": "A file without labels was scored.",
    "file.held": "A file is broken as a whole: its rows are kept, but not learned from until it is released.",
    "file.released": "A held file was released by hand: the next decision learns from it.",
    "file.duplicate": "The content of a file is known already.",
    "file.quarantined": "A file was refused; a copy and the reason are in the quarantine folder.",
    "file.ignored": "Something in the source folder is not an input.",
    "file.failed": "A file could not be taken through no fault of its own; it is tried again.",
    "drop.late": "The usual drop has not come within `ingestion.expect_every`.",
    "dataset.compacted": "Small parts of the data set were put together into one file.",
    "index.merged": "What is known of the rows that are there was put together into one file.",
    "index.rebuilt": "What is known of the rows that are there was damaged or gone; it was made anew from the rows.",
    "drift.scored": "New rows were held against those that the champion has learned from.",
    "retrain.decided": "It was decided whether to train, and why.",
    "model.trained": "A challenger was trained.",
    "model.promoted": "A challenger became the champion and is served.",
    "model.kept": "The champion stays.",
    "challenger.refitted": "The folder of a challenger in waiting was gone or damaged; it was fitted again.",
    "model.rolled_back": "An earlier release became the champion again, by request or by itself.",
    "publication.failed": "What follows the commit of a file could not be done; it is tried again.",
    "testdata.refused": "A file of the test data cannot be used; the release is reported on without it.",
    "report.written": "The figures and the report of a release were written.",
    "request.served": "A request failed, was slow, or is one of the sample that is logged.",
    "request.malformed": "What was sent is no request that can be answered; nothing of it is logged.",
    "connection.refused": "There were too many connections; this one was answered 503.",
    "connection.cut": "A client was too slow with its handshake, headers or reading; the connection was ended.",
    "connections.limited": "Fewer connections are taken than configured: the process may not open enough files.",
    "daemon.failed": "The daemon cannot go on: a bug or a broken machine. It exits 1, to be started again.",
    "task.failed": "A worker's task raised: a bug or a broken machine. `trace` says where.",
    "release.served": "A release was read and checked, and answers from now on.",
    "release.refused": "The current release cannot be read, or its signature does not fit; it is not served.",
    "release.damaged": "The files of the release that is served were changed; it is answered from memory.",
    "worker.started": "A worker process was started.",
    "worker.died": "A worker process ended before its work did.",
    "dependencies.checked": "Installed versions were compared with those in the package index.",
    "library.message": "A library that the daemon uses has warned of something.",
    "log.lost": "Whoever reads the log took nothing for a while; so many lines had no place to wait, and are lost.",
}

_LEVELS: dict[str, int] = {
    "folder.unavailable": logging.ERROR,
    "file.held": logging.WARNING,
    "challenger.refitted": logging.WARNING,
    "file.quarantined": logging.WARNING,
    "file.failed": logging.ERROR,
    "drop.late": logging.WARNING,
    "task.failed": logging.ERROR,
    "publication.failed": logging.ERROR,
    "index.rebuilt": logging.WARNING,
    "testdata.refused": logging.WARNING,
    "connection.refused": logging.WARNING,
    "connections.limited": logging.WARNING,
    "release.refused": logging.ERROR,
    "release.damaged": logging.ERROR,
    "daemon.failed": logging.CRITICAL,
    "model.rolled_back": logging.WARNING,
    "worker.died": logging.ERROR,
    "library.message": logging.WARNING,
    "log.lost": logging.WARNING,
}


_lines: Lines | None = None


def level_of(event: str) -> str:
    """The level that an event is written at. Raises KeyError for an event that is not in the catalogue."""
    EVENTS[event]
    return logging.getLevelName(_LEVELS.get(event, logging.INFO)).lower()


def configure(level: str = "info", *, fd: int = 2, terminal: bool | None = None) -> None:
    """Send the log to a file descriptor, and what libraries log or warn of (from *warning* on) with it.

    ``level`` is debug, info, warning or error. ``terminal`` None: text if ``fd`` is a terminal, else JSON.
    """
    lines, renderers = _set_up(level, fd=fd, terminal=terminal)
    handler = _LibraryHandler(level=logging.WARNING)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_as_library_message, structlog.stdlib.add_log_level],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    handler.lines = lines
    root = logging.getLogger()
    root.handlers = [*(each for each in root.handlers if not isinstance(each, _LibraryHandler)), handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def get() -> FilteringBoundLogger:
    """The logger, for those who bind fields. Its events are checked against the catalogue, too."""
    if not structlog.is_configured():
        _set_up("info", fd=2, terminal=None)
    return cast("FilteringBoundLogger", structlog.get_logger())


def emit(event: str, /, **fields: object) -> None:
    """Write one event at its level, a refusal (``accepted=False``) as a warning.

    ``exc_info=True`` or an exception adds the traceback as the field ``exception``. Raises KeyError for an event that
    is not in the catalogue.
    """
    EVENTS[event]
    refused = fields.get("accepted") is False
    get().log(logging.WARNING if refused else _LEVELS.get(event, logging.INFO), event, **fields)


def write_beside() -> None:
    """Have a thread write the log from now on: who answers requests must not wait for whoever reads it."""
    if _lines is not None:
        _lines.write_beside()


def _set_up(level: str, *, fd: int, terminal: bool | None) -> tuple[Lines, list[Processor]]:
    global _lines  # noqa: PLW0603 - there is one log, as structlog has one configuration
    # Started with a closed standard error, Python has no sys.stderr, and the next file opened gets its number.
    closed = fd == 2 and sys.__stderr__ is None  # noqa: PLR2004
    renderers: list[Processor] = [_with_time, *(_text(fd) if _is_terminal(fd, terminal) else _json())]
    lines = _lines = Lines(os.open(os.devnull, os.O_WRONLY) if closed else fd, partial(_lost, renderers))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _only_catalogued,
            *renderers,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )
    return lines, renderers


def _lost(renderers: list[Processor], lines: int) -> str:
    event: EventDict = {"level": level_of("log.lost"), "event": "log.lost", "lines": lines}
    for render in renderers[:-1]:
        event = cast("EventDict", render(None, "warning", event))
    return cast("str", renderers[-1](None, "warning", event))


def _is_terminal(fd: int, terminal: bool | None) -> bool:
    return os.isatty(fd) if terminal is None else terminal


def _json() -> list[Processor]:
    return [structlog.processors.format_exc_info, _render_json]


def _text(fd: int) -> list[Processor]:
    colours = os.isatty(fd) and not os.environ.get("NO_COLOR")
    return [
        _readable,
        structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback),
    ]


class _LibraryHandler(logging.Handler):
    """Takes what libraries say through ``logging`` to the same lines."""

    lines: Lines

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # a library's wrong format string must not stop the daemon
            line = msgspec.json.encode({"event": "library.message", "message": f"cannot be shown: {error}"}).decode()
        self.lines.msg(line)


def _only_catalogued(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    EVENTS[event["event"]]
    return event


def _as_library_message(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    record: logging.LogRecord = event["_record"]
    return {**event, "event": "library.message", "logger": record.name, "message": event["event"]}


def _with_time(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"timestamp": moment, "level": event.pop("level"), "event": event.pop("event"), **event}


def _readable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: value if key == "exc_info" else _shown(value) for key, value in event.items()}


def _render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    try:
        return msgspec.json.encode(_shown(event), enc_hook=_plain).decode()
    except (TypeError, ValueError, RecursionError) as error:
        kept = {key: event[key] for key in ("timestamp", "level", "event")}
        return msgspec.json.encode({**kept, "unshown": f"a field cannot be shown: {error}"}).decode()


def _shown(value: object) -> object:
    """Values with every text in a form that UTF-8 can hold: names that are not UTF-8 get backslash escapes."""
    if isinstance(value, str):
        try:
            return shown_name(value)
        except UnicodeEncodeError:  # half a character, such as JSON's \\ud800
            return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_shown(str(key)): _shown(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_shown(each) for each in value]
    return value


def _plain(value: object) -> object:
    """For msgspec: numbers of numpy as numbers, everything else (paths, exceptions) as its text."""
    item = getattr(value, "item", None)
    plain = item() if callable(item) else None
    return plain if isinstance(plain, bool | int | float) else _shown(str(value))
