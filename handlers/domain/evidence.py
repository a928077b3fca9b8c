"""What the cells of a column have shown so far: gathered block by block, and the same however a file is cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from handlers.domain.number_styles import ALL_STYLES, Styles

#: More distinct values than this are text, not categories.
MAX_CATEGORIES = 100


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen in the cells of a column, as far as its plan asks for it. The sum of two is that of both blocks.

    ``present``: cells that could be read as numbers in the plan's style; ``plain``: those that are plain finite
    numbers, ``separated``: those that are numbers in another style only,
    ``junk``: those that are no numbers in any style; ``styles``: those that fit all the numbers;
    ``odd`` and ``first_junk``: the first cell that is no plain number, and the first that is no number at all.

    Of the numbers as the plan's style reads them: ``whole``: all are written as digits alone; ``integral``: all are
    integers that int64 holds exactly; ``largest``: the largest absolute value; ``coded``: any has leading zeros.

    ``texts``: cells of text that are not blank; ``distinct``: the texts, None for more than categories may have.
    """

    present: int = 0
    plain: int = 0
    separated: int = 0
    junk: int = 0
    styles: Styles = ALL_STYLES
    odd: str | None = None
    first_junk: str | None = None
    whole: bool = True
    integral: bool = True
    largest: float = 0.0
    coded: bool = False
    texts: int = 0
    distinct: frozenset[str] | None = frozenset()

    def __add__(self, later: Evidence) -> Evidence:
        """Return what both blocks show, ``later`` being the one that comes after in the file."""
        return Evidence(
            present=self.present + later.present,
            plain=self.plain + later.plain,
            separated=self.separated + later.separated,
            junk=self.junk + later.junk,
            styles=self.styles & later.styles,
            odd=later.odd if self.odd is None else self.odd,
            first_junk=later.first_junk if self.first_junk is None else self.first_junk,
            whole=self.whole and later.whole,
            integral=self.integral and later.integral,
            largest=max(self.largest, later.largest),
            coded=self.coded or later.coded,
            texts=self.texts + later.texts,
            distinct=_together(self.distinct, later.distinct),
        )


NOTHING: Final = Evidence()


def _together(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return None
    both = one | other if one and other else one or other
    return both if len(both) <= MAX_CATEGORIES else None
