"""The target column: which rows left, which stayed, which are not known yet, and what the values mean by value."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from handlers.domain.conversion import INT64_MAX, NUMBER
from handlers.domain.files import Reason
from handlers.domain.schema import ColumnType

LEFT, STAYED, UNLABELLED = 1, 0, -1
_NUMBER = re.compile(NUMBER)
#: Labels named in a refusal.
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Target:
    """A target column that was read.

    ``labels``: int8, 1 left, 0 stayed, -1 unlabelled; ``values``: what is stored, by ``type``; ``negative``: the
    canonical form of the label that means *stayed*, None while none was seen; ``faults``: rows with a third label.
    """

    labels: npt.NDArray[np.int8]
    values: pa.Array
    type: ColumnType
    negative: str | None
    faults: npt.NDArray[np.int64]


def canonical_label(value: str | float | bool) -> str:
    """Return one spelling for labels that are equal by value: 1, "1", "1.0" and " 1 " are "1"; true and "True" "true".

    Other text stands for itself, without the spaces around it.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value).strip()
    if text.casefold() in ("true", "false"):
        return text.casefold()
    if not _NUMBER.match(text):
        return text
    # Python refuses to read integers of more than 4,300 digits; no label has 300.
    if re.fullmatch(r"[+-]?[0-9]{1,300}(\.0*)?", text):
        return str(int(text.partition(".")[0]))
    number = float(text)
    return str(int(number)) if number.is_integer() else repr(number)


def read_target(
    cells: pa.StringArray, *, positive: str | float | bool, negative: str | None, type: ColumnType | None
) -> Target | Reason:
    """Read the cells of the target column; a blank one is unlabelled.

    ``negative`` and ``type`` are what the schema knows, None if it does not. While the negative label is not known,
    the one other value is it; two others are refused. Once it is known, a third value is a fault of its row.
    """
    left = canonical_label(positive)
    distinct = cells.dictionary_encode()
    names = [canonical_label(text) for text in distinct.dictionary.to_pylist()]
    others = sorted(set(names) - {left, "", negative})
    if negative is None and others:
        if len(others) > 1:
            return _too_many(left, others)
        negative = others[0]
    found = _target_type(left, negative)
    if type is ColumnType.INTEGER and found is not type:
        return _not_of_one_kind(left, negative)
    type = type or found
    meaning = {left: LEFT, negative: STAYED, "": UNLABELLED}
    unknown = -2
    # The last entry is what a null cell's index (-1) finds.
    codes = np.array([meaning.get(name, unknown) for name in names] + [UNLABELLED], np.int8)
    indices = pc.fill_null(distinct.indices, -1).to_numpy(zero_copy_only=False)
    labels = codes[indices]
    faults = np.flatnonzero(labels == unknown)
    labels[faults] = UNLABELLED
    return Target(labels, _stored(labels, left, negative, type), type, negative, faults)


def _stored(labels: npt.NDArray[np.int8], left: str, negative: str | None, type: ColumnType) -> pa.Array:
    """Return the labels as the data set keeps them: in one spelling, so that equal labels make equal rows."""
    stayed = negative if negative is not None else left
    pair = [int(stayed), int(left)] if type is ColumnType.INTEGER else [stayed, left]
    blank = labels == UNLABELLED
    indices = pa.array(np.where(blank, 0, labels), pa.int8(), mask=blank)
    return pa.array(pair).take(indices)


def _target_type(left: str, negative: str | None) -> ColumnType:
    integers = all(_is_int64(label) for label in (left, negative) if label is not None)
    return ColumnType.INTEGER if integers else ColumnType.CATEGORY


def _is_int64(label: str) -> bool:
    return re.fullmatch(r"-?[0-9]+", label) is not None and -INT64_MAX - 1 <= int(label) <= INT64_MAX


def _too_many(left: str, others: list[str]) -> Reason:
    shown = ", ".join(repr(label) for label in others[:SHOWN])
    more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
    what = f"Beside the positive label {left!r} the target has more than one other value: {shown}{more}."
    return Reason("labels", what, "Set dataset.positive_label, or correct the target column.")


def _not_of_one_kind(left: str, negative: str | None) -> Reason:
    what = f"The target was the integer {left} so far, and now has the value {negative!r} beside it."
    return Reason("labels", what, "Correct the target column, or set dataset.positive_label for a new workspace.")
