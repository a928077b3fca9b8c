"""Which files are learned from: broken ones are held, until so many in a row show that this is the new normal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from handlers.domain.quality_gate import Break

Fate = Literal["passed", "held", "released", "normal"]


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file of a block: its number, what is broken in it, and whether it was released by hand. ``telling``: it has
    rows enough to show a break, or that there is none."""

    file: int
    breaks: tuple[Break, ...]
    released: bool = False
    telling: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """What files before have left: those that were held in a row, what is broken in all of them, and the breaks that
    are none any more."""

    in_a_row: tuple[int, ...] = ()
    held_for: frozenset[str] = frozenset()
    normal: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Admitted:
    """What becomes of a file, and the breaks that count. ``normal``: with it so many in a row are broken in the same
    way that this is the new normal."""

    file: int
    fate: Fate
    breaks: tuple[Break, ...] = ()


@dataclass(frozen=True, slots=True)
class Admission:
    """The files in their order; ``freed``: files that were held, and are not any more; ``standing``: after them."""

    files: tuple[Admitted, ...]
    freed: tuple[int, ...]
    standing: Standing

    @property
    def held(self) -> tuple[Admitted, ...]:
        """The files that are held in the end."""
        return tuple(one for one in self.files if one.fate == "held" and one.file not in self.freed)


def admit(files: Sequence[Inspected], standing: Standing, *, at_most: int) -> Admission:
    """Hold or admit files, in their order. ``at_most``: so many broken in the same way in a row are the new normal.

    What is broken in the last of these, or in one that was released by hand, is no break until a file comes without it.
    """
    found: list[Admitted] = []
    freed: list[int] = []
    for one in files:
        admitted, standing, free = _admit(one, standing, at_most)
        found.append(admitted)
        freed += free
    return Admission(tuple(found), tuple(freed), standing)


def _admit(one: Inspected, before: Standing, at_most: int) -> tuple[Admitted, Standing, tuple[int, ...]]:
    if not one.telling:  # neither a break nor its end
        return Admitted(one.file, "passed"), before, ()
    normal = before.normal & {each.key for each in one.breaks}
    counted = tuple(each for each in one.breaks if each.key not in normal)
    keys = frozenset(each.key for each in counted)
    shared = before.held_for & keys if before.in_a_row else frozenset()
    if not counted:
        return Admitted(one.file, "passed"), Standing(normal=normal), ()
    if one.released:
        standing = Standing(before.in_a_row, before.held_for, normal | keys)
        return Admitted(one.file, "released", counted), standing, ()
    row = before.in_a_row if shared else ()
    if len(row) + 1 >= at_most:
        return Admitted(one.file, "normal", counted), Standing(normal=normal | keys), row
    return Admitted(one.file, "held", counted), Standing((*row, one.file), shared or keys, normal), ()
