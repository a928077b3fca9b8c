"""``schema``: what the columns were learned to be, what they were before, and learning them anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from daemon.commands.answers import answer_json, answer_table, json_option, reading
from daemon.commands.asking import alone, ask, place_of
from daemon.commands.workspace import config_option
from daemon.tasks import ResetSchema
from handlers.domain.schema import Schema
from handlers.storage import schemas


@click.group()
def schema() -> None:
    """What the columns of the data set were learned to be."""


@schema.command()
@config_option
@json_option
def show(config: Path, as_json: bool) -> None:
    """Show the columns, their types, and what they are for."""
    with reading(config) as house, house.ledger.read() as connection:
        found = schemas.read(connection)
    if as_json:
        answer_json(schemas.to_document(found))
        return
    rows = [
        (column.name, str(column.type), str(column.role), "optional" if column.optional else None)
        for column in found.columns
    ]
    answer_table(("COLUMN", "TYPE", "ROLE", ""), rows)
    if not found.columns:
        click.echo("Nothing has been learned yet: the first file brings the columns.", err=True)
    elif found.provisional:
        click.echo('Provisional: types can be corrected under "dataset.columns", then `schema reset`.', err=True)


@schema.command()
@config_option
@json_option
def history(config: Path, as_json: bool) -> None:
    """Show every schema that the data set has had, and what was new in it."""
    with reading(config) as house, house.ledger.read() as connection:
        found = schemas.history(connection)
    if as_json:
        documents = [
            {"dataset_version": one.dataset_version, "schema": schemas.to_document(one.schema)} for one in found
        ]
        answer_json({"items": documents})
        return
    rows = [
        (one.schema.version, one.dataset_version, _news(before.schema if before else Schema(), one.schema))
        for before, one in zip([None, *found], found, strict=False)
    ]
    answer_table(("SCHEMA", "DATA SET", "WHAT WAS NEW"), rows)


def _news(before: Schema, after: Schema) -> str:
    """What a schema has that the one before it had not."""
    if not before.columns:
        return f"{len(after.columns)} columns"
    news: list[str] = []
    for column in after.columns:
        known = before.by_name.get(column.name)
        if known is None:
            news.append(f"{column.name} ({column.type})")
        elif known.type is not column.type:
            news.append(f"{column.name}: {column.type} instead of {known.type}")
    if after.negative_label != before.negative_label:
        news.append(f"the other label is {after.negative_label}")
    return "; ".join(news) or "first values of a column"


@schema.command()
@config_option
@json_option
def reset(config: Path, as_json: bool) -> None:
    """Learn the columns anew: forget the rows, and take the files again.

    Only before a model that is not provisional was promoted, and while every file is in the source folder.
    """
    place = place_of(config)
    answer = ask(place, "/schema/reset", {})
    when = "now"
    if answer is None:
        when = "when the daemon is started"
        with alone(place, _unheard) as here:
            answer = {"files": here.run(ResetSchema())}
    if as_json:
        answer_json(answer)
        return
    click.echo(f"The columns are learned anew; {len(answer['files']):,} files are taken again {when}.")


def _unheard(_event: str, _fields: dict[str, Any]) -> None:
    """Nothing is told that the answer does not say."""
