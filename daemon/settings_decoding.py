"""Plain values against the types of the settings: everything that is wrong, in words a person can act on."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args, get_origin

import msgspec
from msgspec import inspect

from daemon.strict_json import JsonObject

_SHOWN = 60
_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", type(None): "null", list: "a list"}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the value of a key. ``key``: the names from the outside in, none for the whole file."""

    key: tuple[str, ...]
    sentence: str


def problems(value: object, kind: object, key: tuple[str, ...] = ()) -> Iterator[Problem]:
    """Find whatever keeps ``value`` from being a ``kind``: a settings struct, or the type of one of its fields."""
    if isinstance(value, JsonObject):
        for name in value.repeated:
            yield Problem((*key, name), "it is there more than once; keep one of them")
    types = fields_of(kind)
    if types and isinstance(value, dict):
        for name, inner in value.items():
            if name in types:
                yield from problems(inner, types[name], (*key, name))
            else:
                yield Problem((*key, name), unknown(name, list(types)))
    elif get_origin(kind) is tuple and isinstance(value, list):
        for position, item in enumerate(value):
            yield from problems(item, get_args(kind)[0], (*key, str(position)))
    elif get_origin(kind) is dict and isinstance(value, dict):
        for name, item in value.items():
            yield from problems(name, get_args(kind)[0], (*key, name))
            yield from problems(item, get_args(kind)[1], (*key, name))
    elif not _fits(value, kind):
        yield Problem(key, f"wanted is {wanted(kind)}; found is {_found(value)}")


def fields_of(kind: object) -> dict[str, object]:
    """The keys of a settings struct and their types; none for anything else."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {field.name: field.type for field in msgspec.structs.fields(kind)}
    return {}


def unknown(name: str, known: Sequence[str]) -> str:
    """Say that a key is not known, which is the nearest, and which there are."""
    return f"there is no such key. The nearest is {nearest(name, known)!r}; known are {', '.join(known)}"


def nearest(name: str, known: Sequence[str]) -> str:
    """Return the known key that is most like ``name``, case and hyphens aside."""
    meant = name.lower().replace("-", "_")
    return max(known, key=lambda each: difflib.SequenceMatcher(None, each, meant, autojunk=False).ratio())


def wanted(kind: object) -> str:
    """Say in words which values a type takes."""
    return _in_words(inspect.type_info(kind))


def _fits(value: object, kind: object) -> bool:
    if isinstance(value, str) and not _is_unicode(value):
        return False
    try:
        msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError:
        return False
    return True


def _is_unicode(text: str) -> bool:
    """Half a character (JSON's ``\\ud800``) and bytes that are not UTF-8 could not be passed on."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _in_words(kind: inspect.Type) -> str:  # noqa: PLR0911 - one for each kind
    match kind:
        case inspect.LiteralType(values=values):
            return " or ".join(json.dumps(value) for value in values)
        case inspect.IntType(ge=low, le=high):
            return f"a whole number{_bounds(low, kind.gt, high)}"
        case inspect.FloatType(ge=low, le=high):
            return f"a number{_bounds(low, kind.gt, high)}"
        case inspect.Metadata(type=inner, extra={"allowed": allowed}):
            return f"{_in_words(inner)}: {allowed}"
        case inspect.Metadata(type=inner):
            return _in_words(inner)
        case inspect.StrType(min_length=least):
            return "text that is not empty" if least else "text"
        case inspect.UnionType(types=types):
            words = [_in_words(each) for each in types]
            return " or ".join(word for word in words if word != "a whole number" or "a number" not in words)
        case inspect.VarTupleType(item_type=item):
            return f"a list of: {_in_words(item)}"
        case inspect.DictType(value_type=item):
            return f"an object of names, each with: {_in_words(item)}"
        case inspect.BoolType():
            return "true or false"
        case inspect.NoneType():
            return "null"
        case _:
            return "an object"


def _bounds(low: float | None, above: float | None, high: float | None) -> str:
    begin = f" above {above}" if above is not None else f" from {low}" if low is not None else ""
    end = f" to {high}" if high is not None else ""
    return begin + (f" and up{end}" if end and above is not None else end)


def _found(value: object) -> str:
    if isinstance(value, str) and not _is_unicode(value):
        return "text that is not valid Unicode"
    shown = json.dumps(value, ensure_ascii=False)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    kind = _KINDS.get(type(value), "an object")
    return shown if value is None or isinstance(value, bool) else f"{kind}, {shown}"
