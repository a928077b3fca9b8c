"""``files release``: held files are learned from after all, by the running daemon or here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec
from click.core import ParameterSource

from daemon.commands.answers import answer_json, json_option, printable
from daemon.commands.asking import Place, alone, ask, place_of
from daemon.commands.workspace import config_option
from daemon.tasks import Decide, ReleaseFiles, Rescore
from handlers import decision_blocks
from handlers.records import FileItem

TOLD = ("model.promoted", "model.kept", "model.rolled_back")


@click.command()
@config_option
@json_option
@click.argument("sha256", nargs=-1, required=True)
@click.pass_context
def release(context: click.Context, config: Path, as_json: bool, sha256: tuple[str, ...]) -> None:
    """Let held files be learned from, whatever they look like.

    A file is named by the beginning of its SHA256, as `attritiond files --state held` shows it. What it teaches is
    decided on next: by the running daemon, or here. Where one of several is not held none is released, and the exit
    code is 1.
    """
    above = context.parent
    if above is not None and context.get_parameter_source("config") is ParameterSource.DEFAULT:
        config = above.params.get("config", config)  # attritiond files --config FILE release SHA256
    as_json = as_json or bool(above is not None and above.params.get("as_json"))
    place = place_of(config)
    items = _with_daemon(place, sha256)
    if items is None:
        items = _here(place, sha256)
    if as_json:
        answer_json({"items": items})
        return
    for item in items:
        click.echo(printable(f"{item['name']}: released; the next decision learns from it."))


def _with_daemon(place: Place, prefixes: tuple[str, ...]) -> list[FileItem] | None:
    answer = ask(place, "/files/release", {"sha256": prefixes})
    return None if answer is None else msgspec.convert(answer["items"], list[FileItem])


def _here(place: Place, prefixes: tuple[str, ...]) -> list[FileItem]:
    with alone(place, _tell) as here:
        items: list[FileItem] = here.run(ReleaseFiles(prefixes))
        while True:
            with here.ledger.read() as connection:
                if decision_blocks.wanted(connection) is None:
                    return items
            if here.run(Decide()) is not None:
                here.run(Rescore())


def _tell(event: str, fields: dict[str, Any]) -> None:
    if event in TOLD:
        click.echo(printable(fields.get("detail", event)), err=True)
