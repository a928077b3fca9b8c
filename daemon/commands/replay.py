"""``replay``: what policies would have done with labelled files, as a table, as JSON and as a picture."""

from __future__ import annotations

import contextlib
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.bootstrap import house_of
from daemon.commands.answers import Cell, answer_json, answer_table, json_option, on_terminal, printable, sentences
from daemon.commands.workspace import config_option, read_configuration
from handlers.domain.learning_settings import FREE, POLICIES, POLICY_PATTERN
from handlers.house import House
from handlers.storage.ledger import Ledger
from server import wording

if TYPE_CHECKING:
    from handlers.domain.replay_outcome import Outcome
    from handlers.replay_history import History

NAMES = f"{FREE}, {POLICIES}"


def _policies(_context: click.Context, _option: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name != FREE and not re.fullmatch(POLICY_PATTERN, name):
            raise click.BadParameter(f"there is no policy {name!r}; there are {NAMES}")
    return tuple(dict.fromkeys(names))


def _picture(_context: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() != ".png":
        raise click.BadParameter("the name of the picture ends with .png")
    if path is not None and not path.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {path.absolute().parent}")
    return path


@click.command()
@config_option
@json_option
@click.option(
    "--policy", "policies", metavar="P", multiple=True, callback=_policies, help=f"One of {NAMES}; repeatable."
)
@click.option(
    "--figure",
    metavar="OUT.png",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_picture,
    help="Draw the loss of each policy over time.",
)
@click.argument("file", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def replay(config: Path, as_json: bool, policies: tuple[str, ...], figure: Path | None, file: tuple[Path, ...]) -> None:
    """Say what policies would have done with labelled files, in their order.

    Nothing that is deployed is touched. Files that the data set knows are taken as they were decided on, before all
    others; the others as they would be if they were dropped one after the other. Without --policy: evidence, raw_f1,
    always, always:5 and never.
    """
    from threadpoolctl import threadpool_limits

    from handlers import replay_history, replaying

    with tempfile.TemporaryDirectory(prefix="attritiond-") as temporary, _house(config, Path(temporary)) as house:
        history = replay_history.read(house, file, Path(temporary) / "spill")
        for name, why in history.unused:
            click.echo(printable(f"{name} takes no part. {why}"), err=True)
        if not history.steps:
            raise click.ClickException("There are no labelled rows of both classes to replay.")
        names = policies or replaying.POLICIES
        length = len(names) * len(history.steps)
        bar = click.progressbar(length=length, label="Replaying", file=sys.stderr, hidden=not on_terminal())
        with threadpool_limits(1), bar:  # as the daemon's workers: sums in another order are other models
            found = replaying.replay(house, history, names, lambda: bar.update(1))
    if as_json:
        answer_json({"policies": [one.document() for one in found]})
    else:
        _say(found)
    if figure is not None:
        _draw(found, history, figure)


@contextlib.contextmanager
def _house(config: Path, temporary: Path) -> Iterator[House]:
    """The data set, only to be read; where there is none yet, an empty one."""
    settings, workspace = read_configuration(config)
    with sentences():
        there = workspace.ledger.exists()
        with closing(Ledger(workspace.ledger if there else temporary / "ledger.sqlite3", read_only=there)) as ledger:
            ledger.require_current()
            yield house_of(settings, config, ledger)


def _say(found: Sequence[Outcome]) -> None:
    header = ("POLICY", "FILES", "ROWS", "LOG LOSS", "ROC AUC", "F1", "DEPLOYMENTS", "FITS", "ALARMS")
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        scores = [None if value is None else wording.score(value) for value in (one.log_loss, one.roc_auc, one.f1)]
        rows.append((one.policy, one.files, one.rows, *scores, one.deployments, one.fits, one.alarms))
    answer_table(header, rows)


def _draw(found: Sequence[Outcome], history: History, path: Path) -> None:
    from handlers.figures import replay as picture
    from handlers.figures import style

    with sentences():
        drawn = style.new_figure(9.0, 5.2)
        picture.draw(drawn, found)
        style.save(drawn, path, metadata={"Software": None})
    click.echo(f"The picture is {path}.", err=True)
