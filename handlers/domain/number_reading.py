"""Text cells to numbers, by a strict grammar: what is not plainly a number is a fault, never a guess.

A number is an optional sign, ASCII digits with at most one decimal mark, and an optional exponent; it must be finite.
No hexadecimal, no ``inf`` or ``nan``, no underscores, no digits of other scripts, no signs of currencies or per cent.
Spaces around it do not count. Decimal commas, and marks between thousands, are read where the whole column says so.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from handlers.domain.cell_bytes import MAYBE_BLANK, first_octets, marked
from handlers.domain.evidence import Evidence
from handlers.domain.exact_casts import (
    FEW,
    MANY,
    NO_ROWS,
    VERY_FEW,
    Glance,
    Rows,
    arrow_floats,
    arrow_integers,
    decimal_commas,
    exact_integers,
    glance,
    has_codes,
    is_whole,
    largest_of,
)
from handlers.domain.number_styles import (
    ALL_STYLES,
    COMMA_STYLES,
    GRAMMARS,
    LONGEST_SEPARATED,
    NUMBER,
    POINT_STYLES,
    SEPARATED,
    NumberStyle,
    Styles,
    all_match,
    fitting,
    rewritten,
    style_of,
)

#: How the absence of a number is spelled, in any case. An empty or blank cell is missing as well.
_MISSING = ("", "na", "n/a", "nan", "null", "none", "-", "?")
#: Characters of a cell that are kept to be shown.
SHOWN_CHARACTERS = 50
_GROUPED_BY_POINTS = re.compile(GRAMMARS[NumberStyle.POINTS])
#: The first bytes of a cell that may be a number, or spell a missing one; 0 stands for an empty cell.
_MAYBE_NUMBER: Final = MAYBE_BLANK | marked(b"\x00+-.0123456789nN?")


def _in_any_case(word: str) -> set[str]:
    return {"".join(letters) for letters in product(*({letter, letter.upper()} for letter in word))}


@cache
def _all_missing() -> pa.StringArray:
    """Return all spellings. It is made when it is needed: at its first array pyarrow looks for pandas, for long."""
    return pa.array(sorted(set().union(*map(_in_any_case, _MISSING))), pa.string())


@dataclass(frozen=True, slots=True)
class Asked:
    """How numbers are to be read, and what of them is to be found out.

    ``integers``: as int64 where all of them are integers; ``learn``: whether it is a column of numbers at all. Then the
    values count only if all cells are numbers.
    """

    style: NumberStyle = NumberStyle.PLAIN
    integers: bool = True
    learn: bool = False


@dataclass(frozen=True, slots=True)
class Numbers:
    """Cells read as numbers.

    ``values``: int64 where integers are asked for and each number is one, else float64; null where the number is
    missing or none; ``faults``: the rows whose cell is not a finite number of the style, in order.
    """

    values: pa.Array
    faults: Rows
    evidence: Evidence


def to_numbers(cells: pa.StringArray) -> Numbers | None:
    """Read a whole column of cells as float64, in the one style that fits; None where two styles do and differ."""
    numbers = read_numbers(cells, Asked(integers=False))
    style = style_of(numbers.evidence.styles)
    if style is None or style is NumberStyle.PLAIN:
        return None if style is None else numbers
    return read_numbers(cells, Asked(style, integers=False))


def read_numbers(cells: pa.StringArray, asked: Asked) -> Numbers:
    """Read text cells as numbers of one style. Clean plain numbers cost little more than Arrow's cast."""
    plain = asked.style is NumberStyle.PLAIN
    numbers = _cast(cells, asked) if plain else _cast_commas(cells, asked)
    if numbers is not None:
        return numbers
    if asked.learn:
        junk = np.flatnonzero(~_MAYBE_NUMBER[first_octets(cells)])
        if len(junk):
            return Numbers(pa.nulls(len(cells), pa.float64()), NO_ROWS, _around(cells, junk, asked))
    bare = _trimmed(cells)
    numbers = _cast(bare, asked) if plain else _all_of_style(bare, asked)
    return _sorted_out(bare, asked) if numbers is None else numbers


def _trimmed(cells: pa.StringArray) -> pa.StringArray:
    """Return numeric cells without the spaces around them, null where the number is missing."""
    bare = pc.utf8_trim_whitespace(cells)
    missing = _mask(pc.is_in(bare, _all_missing()))
    return _only(bare, ~missing) if missing.any() else bare


def shown(cells: pa.StringArray, rows: Rows) -> str | None:
    """Return the first of some cells, cut to what can be shown."""
    return str(cells[int(rows[0])].as_py())[:SHOWN_CHARACTERS] if len(rows) else None


def _around(cells: pa.StringArray, junk: Rows, asked: Asked) -> Evidence:
    """Return what cells show of which some cannot be numbers, by their first bytes, without a further look at these."""
    start = int(junk[0])
    text = shown(cells, junk)
    here = Evidence(junk=len(junk), odd=text, first_junk=text)
    other = np.ones(len(cells) - start, bool)
    other[junk - start] = False
    after = cells[start:].filter(pa.array(other))
    return read_numbers(cells[:start], asked).evidence + here + read_numbers(after, asked).evidence


def _cast(cells: pa.StringArray, asked: Asked) -> Numbers | None:
    """Let Arrow read the cells; None if one of them is not a plain finite number."""
    seen = glance(cells)
    if seen is Glance.OTHER:
        return None
    values = arrow_integers(cells) if asked.integers and seen is Glance.INTEGERS else None
    if values is None:
        values = arrow_floats(cells)
    return None if values is None else _plainly(cells, values, asked)


def _plainly(cells: pa.StringArray, values: pa.Array, asked: Asked) -> Numbers:
    read = _read(cells, values, asked)
    present = len(values) - values.null_count
    evidence = Evidence(
        present,
        plain=present,
        styles=ALL_STYLES if read.whole else _styles_of_points(cells),
        whole=read.whole,
        integral=read.integral,
        largest=read.largest,
        coded=asked.learn and has_codes(cells),
    )
    return Numbers(read.values, NO_ROWS, evidence)


def _cast_commas(cells: pa.StringArray, asked: Asked) -> Numbers | None:
    """Let Arrow read numbers with decimal commas, as fast as plain ones; None if a cell may be no such number."""
    source = decimal_commas(cells) if asked.style is NumberStyle.DECIMAL_COMMA else None
    values = None if source is None else arrow_floats(source)
    if values is None or (pc.max(pc.binary_length(cells)).as_py() or 0) > LONGEST_SEPARATED:
        return None
    read = _read(source, values, asked)
    with_comma = np.flatnonzero(_mask(pc.match_substring(cells, ",")))
    present = len(cells) - cells.null_count
    grouped = all_match(cells[:FEW], GRAMMARS[NumberStyle.COMMAS]) and all_match(cells, GRAMMARS[NumberStyle.COMMAS])
    evidence = Evidence(
        present,
        plain=present - len(with_comma),
        separated=len(with_comma),
        styles=COMMA_STYLES | {NumberStyle.COMMAS} if grouped else COMMA_STYLES,
        odd=shown(cells, with_comma),
        whole=read.whole,
        integral=read.integral,
        largest=read.largest,
        coded=asked.learn and has_codes(cells),
    )
    return Numbers(read.values, NO_ROWS, evidence)


def _all_of_style(bare: pa.StringArray, asked: Asked) -> Numbers | None:
    """Read cells that are all numbers of a style that is not the plain one; None if one of them is not."""
    if not all_match(bare, GRAMMARS[asked.style]) or (pc.max(pc.binary_length(bare)).as_py() or 0) > LONGEST_SEPARATED:
        return None
    source = rewritten(bare, asked.style)
    floats = source.cast(pa.float64())
    if not math.isfinite(largest_of(floats)):
        return None
    plain = _mask(pc.match_substring_regex(bare, NUMBER))
    others = np.flatnonzero(~plain & _mask(bare.is_valid()))
    read = _read(source, floats, asked)
    evidence = Evidence(
        present=len(bare) - bare.null_count,
        plain=int(np.count_nonzero(plain)),
        separated=len(others),
        styles=fitting(bare),
        odd=shown(bare, others),
        whole=read.whole,
        integral=read.integral,
        largest=read.largest,
        coded=asked.learn and has_codes(bare),
    )
    return Numbers(read.values, NO_ROWS, evidence)


def _sorted_out(bare: pa.StringArray, asked: Asked) -> Numbers:
    """Read cells of which some are no plain numbers, each by itself."""
    valid = _mask(bare.is_valid())
    looks_plain = pc.fill_null(pc.match_substring_regex(bare, NUMBER), False)
    plain = _mask(pc.is_finite(pc.if_else(looks_plain, bare, pa.scalar(None, pa.string())).cast(pa.float64())))
    others = np.flatnonzero(valid & ~plain)
    texts = bare.take(pa.array(others))
    separated = _mask(pc.match_substring_regex(texts, SEPARATED))
    separated &= _mask(pc.less_equal(pc.binary_length(texts), LONGEST_SEPARATED))
    junk = others[~separated]
    plain_texts = _only(bare, plain)
    source, readable = plain_texts, plain
    if asked.style is not NumberStyle.PLAIN:
        readable = _mask(pc.match_substring_regex(bare, GRAMMARS[asked.style]))
        readable[junk] = False
        source = rewritten(_only(bare, readable), asked.style)
    read = _read(source, source.cast(pa.float64()), asked)
    evidence = Evidence(
        present=int(np.count_nonzero(readable)),
        plain=int(np.count_nonzero(plain)),
        separated=len(others) - len(junk),
        junk=len(junk),
        styles=(ALL_STYLES if is_whole(plain_texts) else _styles_of_points(plain_texts))
        & fitting(texts.filter(pa.array(separated))),
        odd=shown(bare, others),
        first_junk=shown(bare, junk),
        whole=read.whole,
        integral=read.integral,
        largest=read.largest,
        coded=asked.learn and has_codes(bare),
    )
    return Numbers(read.values, np.flatnonzero(valid & ~readable), evidence)


@dataclass(frozen=True, slots=True)
class _Read:
    values: pa.Array
    whole: bool
    integral: bool
    largest: float


def _read(source: pa.StringArray, values: pa.Array, asked: Asked) -> _Read:
    """Look at values of which ``source`` is the plain text; take them as integers if that is asked and exact."""
    largest = largest_of(values)
    if values.type == pa.int64():
        return _Read(values, True, True, largest)
    integers = exact_integers(source, values, largest) if asked.integers else None
    return _Read(values if integers is None else integers, is_whole(source), integers is not None, largest)


def _styles_of_points(cells: pa.StringArray) -> Styles:
    """Return the styles that fit plain numbers, of which at least one has a point or an exponent."""
    few = (text for text in cells[:VERY_FEW].to_pylist() if text is not None)
    if not all(map(_GROUPED_BY_POINTS.match, few)):
        return POINT_STYLES
    grouped = all_match(cells[:MANY], GRAMMARS[NumberStyle.POINTS]) and all_match(cells, GRAMMARS[NumberStyle.POINTS])
    return POINT_STYLES | {NumberStyle.POINTS} if grouped else POINT_STYLES


def _only(cells: pa.StringArray, chosen: npt.NDArray[np.bool_]) -> pa.StringArray:
    """Return cells of which the others are null, without the bytes that pc.if_else would leave in these."""
    return cells.take(pa.array(np.arange(len(cells)), mask=~chosen))


def _mask(flags: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    """Return flags as numpy has them, null as False."""
    mask: npt.NDArray[np.bool_] = pc.fill_null(flags, False).to_numpy(zero_copy_only=False)
    return mask
