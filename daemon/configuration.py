"""The configuration as it is written: a JSON file, and the environment variables that override single keys of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from daemon.settings_decoding import Problem, fields_of, problems, unknown
from daemon.strict_json import JsonObject, NotJson, parse

PREFIX = "ATTRITIOND__"
_DEPTH = 2  # a section and its key

AnySettings = TypeVar("AnySettings", bound=msgspec.Struct)


class ConfigurationError(Exception):
    """The configuration cannot be used. ``problems``: one sentence each, with the file or variable and the key."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Document:
    """What was read. ``variables``: for each key that was overridden, the name of the variable."""

    path: Path
    values: JsonObject
    variables: dict[tuple[str, ...], str] = field(default_factory=dict)

    def convert(self, kind: type[AnySettings]) -> AnySettings:
        """Answer the values as the settings ``kind``. Raises ConfigurationError with all that is wrong."""
        found = list(problems(self.values, kind))
        if found:
            raise self.error(found)
        return msgspec.convert(self.values, kind, strict=True)

    def error(self, found: Iterable[Problem]) -> ConfigurationError:
        """Say of each problem where its value comes from."""
        return ConfigurationError(tuple(self._sentence(problem) for problem in found))

    def _sentence(self, problem: Problem) -> str:
        variable = next((name for key, name in self.variables.items() if problem.key[: len(key)] == key), None)
        where = [str(self.path) if variable is None else f"{variable} (environment)"]
        return ": ".join([*where, *([".".join(problem.key)] if problem.key else []), f"{problem.sentence}."])


def load(path: Path, environ: Mapping[str, str], kind: type[msgspec.Struct]) -> Document:
    """Read the file and put the variables over it. Raises ConfigurationError."""
    document = Document(path, _read(path))
    wrong = []
    for variable, text in sorted(environ.items()):
        if variable.startswith(PREFIX):
            wrong += [
                f"{variable} (environment): {sentence}." for sentence in _override(document, variable, text, kind)
            ]
    if wrong:
        raise ConfigurationError(tuple(wrong))
    return document


def _read(path: Path) -> JsonObject:
    try:
        values = parse(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        hint = "Make one with `attritiond init`, or name another with --config"
        raise ConfigurationError((f"{path}: there is no such file. {hint}.",)) from error
    except OSError as error:
        raise ConfigurationError((f"{path}: it cannot be read: {error.strerror}.",)) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError((f"{path}: it is not UTF-8 (byte {error.start + 1}).",)) from error
    except NotJson as error:
        raise ConfigurationError((f"{path}: it is no JSON: {error}.",)) from error
    if not isinstance(values, JsonObject):
        raise ConfigurationError((f"{path}: it must hold one JSON object, {{...}}.",))
    return values


def _override(document: Document, variable: str, text: str, kind: type[msgspec.Struct]) -> Iterator[str]:
    """Put one variable's value into the document, or say why not."""
    key = tuple(part.lower() for part in variable.removeprefix(PREFIX).split("__"))
    if len(key) > _DEPTH:
        yield "a variable names a section and a key of it, no more; give lists and objects as JSON"
        return
    into: object = kind
    for name in key:
        types = fields_of(into)
        if name not in types:
            yield unknown(name, list(types)) if types else f"{key[0]!r} is a key, not a section of keys"
            return
        into = types[name]
    if fields_of(into):
        yield f"{key[0]!r} is a section; name a key of it, as in {PREFIX}{key[0].upper()}__KEY"
        return
    if key in document.variables:
        yield f"it says the same as {document.variables[key]}; keep one of them"
        return
    document.variables[key] = variable
    _put(document.values, key, _meant(text, into))


def _meant(text: str, kind: object) -> object:
    """The text as JSON where it is that and fits, else as it stands."""
    try:
        value = parse(text)
    except NotJson:
        return text
    return text if any(problems(value, kind)) and not any(problems(text, kind)) else value


def _put(values: JsonObject, key: tuple[str, ...], value: object) -> None:
    *sections, name = key
    for section in sections:
        inner = values.setdefault(section, JsonObject())
        if not isinstance(inner, JsonObject):
            return  # the file's own mistake, which will be told
        values = inner
    values[name] = value
