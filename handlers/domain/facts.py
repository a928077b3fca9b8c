"""A fact: something that has happened, as handlers report it and the edges log it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Fact:
    """``event`` is a name of the log's catalogue; ``fields`` are JSON values, free of client data and secrets."""

    event: str
    fields: dict[str, Any] = field(default_factory=dict)


Tell = Callable[[Fact], None]
"""Whom a long step tells at once what has happened, before it goes on."""
