"""``status``: how the daemon, the model and the files are."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any, TypedDict

import click

from daemon import control
from daemon.backlog import Unavailable, not_an_input, scan
from daemon.commands.answers import NO_MODEL, answer_json, json_option, printable, reading
from daemon.commands.workspace import config_option
from daemon.known_files import KnownFiles
from handlers import activation, model_records, records
from handlers.house import House
from handlers.model_records import ModelItem
from handlers.records import DecisionItem
from handlers.storage import decisions, files, models
from handlers.storage.releases import ReleaseError

PATIENCE_SECONDS = 5.0


class _Daemon(TypedDict):
    running: bool
    pid: int | None
    url: str | None


class _Status(TypedDict):
    daemon: _Daemon
    model: ModelItem | None
    files: dict[str, int]
    waiting: int
    undecided: int
    last_decision: DecisionItem | None
    problems: dict[str, str]


@click.command()
@config_option
@json_option
def status(config: Path, as_json: bool) -> None:
    """Say how the daemon, the model and the files are."""
    with reading(config) as house:
        answer = _status(house)
    if as_json:
        answer_json(answer)
        return
    for line in _lines(answer):
        click.echo(printable(line))


def _status(house: House) -> _Status:
    asked = _ask(house)
    running = _Daemon(running="pid" in asked, pid=asked.get("pid"), url=asked.get("url"))
    if not running["running"]:
        running["pid"] = _holder(house.workspace.lock)
        asked = _without_daemon(house, running["pid"])
    with house.ledger.read() as connection:
        version = models.current(connection)
        model = None if version is None else models.find(connection, version)
        counts, undecided = files.counts(connection), decisions.undecided_files(connection)
    newest = records.decisions_page(house.ledger, 1)["items"]
    return {
        "daemon": running,
        "model": None if model is None else model_records.model_item(model),
        "files": counts,
        "waiting": asked["waiting"],
        "undecided": undecided,
        "last_decision": newest[0] if newest else None,
        "problems": asked["problems"],
    }


def _ask(house: House) -> dict[str, Any]:
    """What the daemon says of itself; nothing where none answers."""
    try:
        return control.ask(house.workspace, "/status", {}, patience=PATIENCE_SECONDS)
    except control.NoDaemon:
        return {}


def _without_daemon(house: House, holder: int | None) -> dict[str, Any]:
    """What a daemon would say, from what lies there."""
    problems: dict[str, str] = {}
    if holder is not None:
        sentence = f"Process {holder} works on this data set and does not answer: it starts, stops, or hangs."
        problems["daemon"] = sentence
    try:
        if activation.current(house) is None:
            problems["model"] = NO_MODEL
    except ReleaseError as error:
        problems["model"] = str(error)
    known = KnownFiles(house.ledger)
    known.refresh()
    found = scan(house.workspace.source)
    if isinstance(found, Unavailable):
        problems["source_folder"] = found.detail
        found = ()
    untaken = [one for one in found if not_an_input(one.name, one.kind) is None and not known(one.name, one.stamp)]
    with house.ledger.read() as connection:
        unscored = files.counts(connection).get("waiting", 0)
    return {"waiting": len(untaken) + unscored, "problems": problems}


def _holder(lock: Path) -> int | None:
    """The process that holds the lock, or None: asked by taking it shared, for an instant."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.read(descriptor, 32).decode("ascii", "replace").strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(descriptor)
    return None


def _lines(answer: _Status) -> list[str]:
    daemon, model, decision = answer["daemon"], answer["model"], answer["last_decision"]
    at = f"running at {daemon['url']}, process {daemon['pid']}" if daemon["running"] else "not running"
    lines = [f"Daemon:    {at}"]
    if model is not None:
        provisional = ", provisional" if model["provisional"] else ""
        since = f"deployed {model['deployed_at']}"
        lines.append(f"Model:     {model['version']} ({model['estimator']}{provisional}), {since}")
    counts = ", ".join(f"{count:,} {state}" for state, count in sorted(answer["files"].items()))
    lines.append(f"Files:     {counts or 'none yet'}")
    lines.append(f"To do:     {answer['waiting']:,} files waiting, {answer['undecided']:,} undecided")
    if decision is not None:
        begun = "One is being made." if daemon["running"] else "One was begun; the next start takes it up."
        lines.append(f"Decision:  {decision['sentence'] or begun}")
    return lines + [f"Problem:   {sentence}" for sentence in answer["problems"].values()]
