"""The order in which waiting files are taken."""

from __future__ import annotations

import re

_NUMBER = re.compile("[0-9]+")


def _by_length(number: re.Match[str]) -> str:
    digits = number.group().lstrip("0") or "0"
    return f"{len(digits):03d}{digits}"


def natural_key(name: str) -> tuple[str, str]:
    """A sort key that puts numbers inside names in their own order: ``drop2.csv`` before ``drop10.csv``.

    A number is compared by its length and then by its digits, so that leading zeros do not matter and any length
    will do. The name itself decides between equals (``7`` and ``07``), which makes the order total.
    """
    return _NUMBER.sub(_by_length, name), name
