"""JSON as a person writes it by hand, read strictly: what is there twice is told, what is no JSON is refused."""

from __future__ import annotations

import json
from collections import Counter
from math import isfinite


class JsonObject(dict[str, object]):
    """An object of a JSON text. ``repeated``: the keys that stood in it more than once."""

    repeated: tuple[str, ...] = ()


class NotJson(ValueError):
    """The text is no JSON; the message says why, and where it is known."""


def parse(text: str) -> object:
    """Answer the value of a JSON text, objects as JsonObject. A whole number written as 8000.0 is the integer.

    Raises NotJson.
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_float=_number, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise NotJson(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise NotJson("it is nested too deeply") from error
    except ValueError as error:  # a number of thousands of digits
        raise NotJson(str(error)) from error


def _object(pairs: list[tuple[str, object]]) -> JsonObject:
    found = JsonObject(pairs)
    if len(found) < len(pairs):
        found.repeated = tuple(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
    return found


def _number(text: str) -> int | float:
    number = float(text)
    if not isfinite(number):
        raise NotJson(f"the number {text} is too large")
    return int(number) if number.is_integer() else number


def _refuse_constant(name: str) -> float:
    raise NotJson(f"{name} is no JSON value")
