"""What a watch says: look at this name, or at the whole folder. A hint may be late, double, missing or wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from daemon.settling import Sign


@dataclass(frozen=True, slots=True)
class Hint:
    """Something happened to ``name``; with ``sign`` None, to the folder as a whole: look at all of it."""

    sign: Sign | None
    name: str = ""


#: Takes a hint in a thread of the watch. It must only hand over.
Deliver = Callable[[Hint], None]
