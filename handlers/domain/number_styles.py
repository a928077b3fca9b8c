"""How the numbers of one column are written: with which decimal mark, and with what between their thousands.

A style is never guessed from one cell. It is the one way in which all cells of the column that are numbers at all can
be read; where two ways fit and differ in value, as with nothing but ``1,234``, there is none.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

#: A number as it is written without a guess.
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
INTEGER = r"^[+-]?[0-9]+$"
DECIMAL_COMMA = r"^[+-]?[0-9]+(,[0-9]+)?$"
#: What separates thousands in writing: a space, one that does not break, a narrow one that does not; two apostrophes.
_SPACES, _APOSTROPHES = " \u00a0\u202f", "'\u2019"


class NumberStyle(StrEnum):
    """A way of writing numbers, named by an example. Each style holds plain digits."""

    PLAIN = "plain"
    DECIMAL_COMMA = "1234,5"
    COMMAS = "1,234.5"
    POINTS = "1.234,5"
    SPACES = "1 234.5"
    SPACES_COMMA = "1 234,5"
    APOSTROPHES = "1'234.5"
    APOSTROPHES_COMMA = "1'234,5"


Styles = frozenset[NumberStyle]
#: Cells that are looked at before all are.
FEW = 64
#: What stands between thousands, and the decimal mark.
_MARKS: Final = {
    NumberStyle.PLAIN: ("", "."),
    NumberStyle.DECIMAL_COMMA: ("", ","),
    NumberStyle.COMMAS: (",", "."),
    NumberStyle.POINTS: (".", ","),
    NumberStyle.SPACES: (_SPACES, "."),
    NumberStyle.SPACES_COMMA: (_SPACES, ","),
    NumberStyle.APOSTROPHES: (_APOSTROPHES, "."),
    NumberStyle.APOSTROPHES_COMMA: (_APOSTROPHES, ","),
}


def _grouped(style: NumberStyle) -> str:
    """Return the expression of a number that has separators between its thousands."""
    separators, decimal = _MARKS[style]
    return rf"^[+-]?[1-9][0-9]{{0,2}}([{separators}][0-9]{{3}})+([{decimal}][0-9]+)?$"


#: Those that separate thousands.
_GROUPING: Final = tuple(style for style, (separators, _) in _MARKS.items() if separators)
#: The expression that all numbers of a style match. Digits alone match each of them.
GRAMMARS: Final = {NumberStyle.PLAIN: NUMBER, NumberStyle.DECIMAL_COMMA: DECIMAL_COMMA} | {
    style: (NUMBER if _MARKS[style][1] == "." else DECIMAL_COMMA) + "|" + _grouped(style) for style in _GROUPING
}
#: A number in some style other than the plain one.
SEPARATED: Final = "|".join([r"^[+-]?[0-9]+,[0-9]+$", *(_grouped(style) for style in _GROUPING)])
ALL_STYLES: Final = frozenset(NumberStyle)
#: What a number with a decimal point, or with an exponent, fits for certain.
POINT_STYLES: Final = frozenset((NumberStyle.PLAIN, NumberStyle.COMMAS, NumberStyle.SPACES, NumberStyle.APOSTROPHES))
COMMA_STYLES: Final = ALL_STYLES - POINT_STYLES
#: No cell of this many characters with separators in it is a number, so that none overflows.
LONGEST_SEPARATED = 300


def style_of(possible: AbstractSet[NumberStyle]) -> NumberStyle | None:
    """Return the one style of a column, of those that fit all its numbers; None where two of them differ in value.

    Where none fits, the numbers are read as plain ones, and the others are none.
    """
    if NumberStyle.PLAIN in possible:
        return NumberStyle.PLAIN
    if NumberStyle.COMMAS in possible and possible & {NumberStyle.DECIMAL_COMMA, NumberStyle.POINTS}:
        return None
    # Of the others, those that fit together say the same: the earlier one says it with fewer marks.
    return next((style for style in NumberStyle if style in possible), NumberStyle.PLAIN)


def fitting(cells: pa.StringArray) -> Styles:
    """Return the styles that fit all cells, which are trimmed; null ones fit any."""
    if cells.null_count == len(cells):
        return ALL_STYLES
    few = cells[:FEW]
    possible = [style for style in NumberStyle if all_match(few, GRAMMARS[style])]
    fit: set[NumberStyle] = set()
    for style in possible:
        # What fits without separators fits with any of them.
        narrow = NumberStyle.DECIMAL_COMMA if style in COMMA_STYLES else NumberStyle.PLAIN
        if narrow in fit or all_match(cells, GRAMMARS[style]):
            fit.add(style)
    return frozenset(fit)


def rewritten(cells: pa.StringArray, style: NumberStyle) -> pa.StringArray:
    """Return numbers of a style as plain ones. What is no number of the style may come out as anything."""
    import pyarrow.compute as pc

    separators, decimal = _MARKS[style]
    if len(separators) == 1:
        cells = pc.replace_substring(cells, separators, "")
    elif separators:
        cells = pc.replace_substring_regex(cells, f"[{separators}]", "")
    return cells if decimal == "." else pc.replace_substring(cells, decimal, ".")


def all_match(cells: pa.StringArray, grammar: str) -> bool:
    """Whether each cell that is not null matches."""
    import pyarrow.compute as pc

    return bool(pc.all(pc.match_substring_regex(cells, grammar), min_count=0).as_py())
