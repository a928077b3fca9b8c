"""The JSON Schema of ``config.json``, made from the settings and their docstrings.

What ``python -m daemon.settings_schema`` prints ships as ``daemon/config.schema.json``, for editors.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from typing import Any

import click
import msgspec

from daemon.settings import Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The schema, each key with the docstring of its field as the description."""
    (top,), definitions = msgspec.json.schema_components([Settings])
    kinds: list[type[msgspec.Struct]] = [Settings, *sections().values()]
    for kind in kinds:
        described = definitions[kind.__name__]
        described["description"] = _plain(kind.__doc__ or "")
        for name, meaning in meanings(kind).items():
            described["properties"][name]["description"] = meaning
    return {"$schema": DIALECT, **top, "$defs": definitions}


def sections() -> dict[str, type[msgspec.Struct]]:
    """The sections of the configuration by their keys."""
    standard = Settings()
    values = {name: getattr(standard, name) for name in Settings.__struct_fields__}
    return {name: type(value) for name, value in values.items() if isinstance(value, msgspec.Struct)}


def meanings(kind: type[msgspec.Struct]) -> dict[str, str]:
    """The docstring under each field of a settings struct, as one line; read from the source."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - the source of a class
    found = {}
    for field, after in zip(body.body, body.body[1:], strict=False):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = _plain(text)
    return found


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def text() -> str:
    """The schema as the file that ships holds it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    click.echo(text(), nl=False)
