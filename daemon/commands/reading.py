"""``files``, ``models`` and ``calls``: what the API's lists say, for people and for scripts."""

from __future__ import annotations

from pathlib import Path

import click

from daemon.commands.answers import (
    Cell,
    answer_json,
    answer_table,
    current_release,
    json_option,
    limit_option,
    printable,
    reading,
)
from daemon.commands.releasing import release
from daemon.commands.workspace import config_option
from handlers import model_records, records
from handlers.calls import CallItem, CallList
from handlers.domain.files import FileState
from handlers.model_records import ModelItem
from handlers.records import SHORT_SHA256, FileItem
from server import wording


@click.group(invoke_without_command=True)
@config_option
@json_option
@click.option("--state", type=click.Choice([str(state) for state in FileState]), help="Only files in this state.")
@limit_option
@click.option("--cursor", type=click.IntRange(min=0), help='Begin after the page whose "next" this is.')
@click.pass_context
def files(  # noqa: PLR0913, PLR0917 - the options of a command
    context: click.Context, config: Path, as_json: bool, state: str | None, limit: int, cursor: int | None
) -> None:
    """List the files that were seen, the newest first.

    With --state quarantined those that wait for a correction; `attritiond retry SHA256` takes one again. With --state
    held those that are not learned from; `attritiond files release SHA256` lets one be.
    """
    if context.invoked_subcommand is not None:
        return
    with reading(config) as house:
        page = records.files_page(house.ledger, limit, cursor, None if state is None else FileState(state))
    if as_json:
        answer_json(page)
        return
    header = ("NAME", "STATE", "SHA256", "READ", "INGESTED", "DUPLICATE", "REJECTED", "SEEN AT", "WHY")
    answer_table(header, [_file(item) for item in page["items"]])
    if page["next"] is not None:
        click.echo(f"There are more; --cursor {page['next']} shows them.", err=True)


files.add_command(release)


@click.command()
@config_option
@json_option
@limit_option
def models(config: Path, as_json: bool, limit: int) -> None:
    """List the releases, the newest first."""
    with reading(config) as house:
        page = model_records.models_page(house.ledger, limit)
    if as_json:
        answer_json(page)
        return
    header = ("VERSION", "STATE", "ESTIMATOR", "TRAINED ROWS", "ROC AUC", "LOG LOSS", "F1", "DEPLOYED AT")
    answer_table(header, [_model(item) for item in page["items"]])
    _say_if_more(page["next"])


@click.command()
@config_option
@json_option
@limit_option
def calls(config: Path, as_json: bool, limit: int) -> None:
    """Rank the clients of the newest unlabelled drop by their risk."""
    with reading(config) as house:
        release = current_release(house)
        page = CallList(house.ledger, house.workspace, house.dataset).page(release, limit)
    if as_json:
        answer_json(page)
        return
    if page["file"] is None:
        click.echo("No clients to rank: drop a file of unlabelled rows.", err=True)
        return
    by = f"Ranked by model {page['model_version']}: {page['total']:,} clients of {printable(page['file'])}."
    click.echo(by, err=True)
    if page["broken"] is not None:
        click.echo(printable(f"This file is broken, and its ranking may be as wrong. {page['broken']}"), err=True)
    answer_table(("RANK", "ID", "PROBABILITY", "VALUE", "REASONS"), [_call(item) for item in page["items"]])
    _say_if_more(page["next"])


def _file(item: FileItem) -> tuple[Cell, ...]:
    rows, reason = item["rows"], item["reason"]
    counts = (rows["read"], rows["ingested"], rows["duplicate"], rows["rejected"])
    why = None if reason is None else f"{reason['detail']} {reason['what_to_do']}".strip()
    sha256 = None if item["sha256"] is None else item["sha256"][:SHORT_SHA256]
    return (item["name"], str(item["state"]), sha256, *counts, item["seen_at"], why)


def _model(item: ModelItem) -> tuple[Cell, ...]:
    scores = [_score(item["metrics"].get(name)) for name in ("roc_auc", "log_loss", "f1")]
    estimator = item["estimator"] + (" (provisional)" if item["provisional"] else "")
    return (str(item["version"]), item["state"], estimator, item["trained_rows"], *scores, item["deployed_at"])


def _call(item: CallItem) -> tuple[Cell, ...]:
    reasons = "; ".join(f"{wording.reason(reason)} ({reason['effect']:+.2f})" for reason in item["reasons"])
    value = None if item["value"] is None else wording.number(item["value"])
    return (item["rank"], item["id"], f"{item['probability']:.4f}", value, reasons)


def _score(value: float | None) -> str | None:
    return None if value is None else wording.score(value)


def _say_if_more(following: str | None) -> None:
    if following is not None:
        click.echo("There are more; --limit shows them.", err=True)
