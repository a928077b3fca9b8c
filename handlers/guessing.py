"""Guessing, for ``attritiond init``, what the columns of somebody's own data mean, and saying why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

Setting = str | int | None

_OWNERS = frozenset(("customer", "client", "corporation", "company", "account", "subscriber", "user", "member"))
_IDS = frozenset(("id", "identifier", "key", "uuid"))
_IDS_OF_OWNERS = _IDS | {"name", "number", "no", "code", "ref"}
_TARGETS = frozenset(
    ("exited", "churn", "churned", "left", "target", "label", "class", "attrition", "attrited", "cancelled", "canceled")
)
_TIMES = frozenset(("month", "date", "day", "period", "time", "timestamp", "datetime", "week", "quarter", "year"))
#: "signup_date" is a fact about a client; "snapshot_date" says what the row speaks of.
_TIMES_OF_ROWS = _TIMES | {"snapshot", "report", "reporting", "observation", "reference", "calendar", "as", "of", "row"}
_WORTH_WORDS = ("annual_contract_value", "contract_value", "annual_revenue", "acv", "arr", "customer_value", "revenue")
_LEFT_VALUES = ("1", "yes", "true", "left", "churned", "exited", "cancelled", "canceled", "attrited", "y", "t")
_MISSING = frozenset(("", "na", "n/a", "nan", "null", "none"))
_TIME_FORMS = (
    re.compile(r"(19|20)\d\d([-/.]?)(0[1-9]|1[0-2])(\2(0[1-9]|[12]\d|3[01]))?([ T]\d\d:?\d\d.*)?"),  # 2026-01, 20260131
    re.compile(r"(19|20)\d\d-?[Qq][1-4]"),  # 2026-Q1
    re.compile(r"(19|20)\d\d-?W[0-5]\d"),  # 2026-W07
)
_PAIR = 2
_MANY = 10
_DEFAULT_TARGET = "exited"


@dataclass(frozen=True, slots=True)
class Guess:
    """The object ``dataset`` for a configuration file, and one sentence for each setting in it."""

    settings: dict[str, Setting]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Sampled:
    """A column of the sample: its name, the words in its name, and the values that are not blank."""

    name: str
    place: int
    values: tuple[str, ...]
    rows: int

    @property
    def words(self) -> list[str]:
        """ "customerID", "Customer Id" and "customer_id" are all customer, id."""
        parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", self.name)
        return [word.lower() for word in re.findall(r"[A-Za-z]+", parted)]

    @property
    def distinct(self) -> int:
        return len(set(self.values))

    @property
    def is_numeric(self) -> bool:
        return bool(self.values) and all(_as_number(value) is not None for value in self.values)

    def names_any(self, words: Iterable[str]) -> bool:
        return not frozenset(words).isdisjoint(self.words)


def guess(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Guess:
    """Guess the target, the positive label, and the columns of identity, time and value.

    ``rows`` are the sample's rows as text; a short row counts as blank at its end. What cannot be guessed is null,
    and its sentence says so; a target that cannot be guessed is the default one.
    Raises ValueError where there are no columns or no rows.
    """
    if not header or not rows:
        raise ValueError("The sample has no rows. Give a CSV file with a header and some of your data.")
    columns = [_sampled(name, place, rows) for place, name in enumerate(header)]
    target, why_target = _guess_target(columns)
    positive, why_positive = _guess_positive(target)
    time, why_time = _guess_time([column for column in columns if column is not target])
    rest = [column for column in columns if column not in (target, time)]
    identity, why_identity = _guess_identity(rest)
    worth, why_worth = _guess_worth([column for column in rest if column is not identity])
    settings: dict[str, Setting] = {
        "id_column": _name(identity),
        "target_column": _name(target) or _DEFAULT_TARGET,
        "positive_label": positive,
        "time_column": _name(time),
        "value_column": _name(worth),
    }
    return Guess(settings, (why_identity, why_target, why_positive, why_time, why_worth))


def _name(column: _Sampled | None) -> str | None:
    return None if column is None else column.name


def _sampled(name: str, place: int, rows: Sequence[Sequence[str]]) -> _Sampled:
    cells = (row[place].strip() for row in rows if place < len(row))
    return _Sampled(name, place, tuple(cell for cell in cells if cell.lower() not in _MISSING), len(rows))


def _as_number(value: str) -> float | None:
    """The finite number that a text is, if it is one."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _best(columns: Sequence[_Sampled], rank: Callable[[_Sampled], tuple[int, ...]]) -> _Sampled | None:
    """The column of the highest rank, the first of equals; none where there is no column."""
    return max(columns, key=rank, default=None)


def _guess_target(columns: Sequence[_Sampled]) -> tuple[_Sampled | None, str]:
    """A column of two values: named like a label before any other, and further right before further left."""
    named = [column for column in columns if column.names_any(_TARGETS) and 1 <= column.distinct <= _PAIR]
    chosen = _best(named, lambda column: (len(column.words) == 1, column.distinct, column.place))
    if chosen is not None:
        return chosen, f"target_column is {chosen.name!r}: its name is that of a label{_with_values(chosen)}."
    # Two different numbers other than 0 and 1 are a measure of which the sample holds too few.
    pairs = [column for column in columns if column.distinct == _PAIR and (_is_flag(column) or not column.is_numeric)]
    chosen = _best(pairs, lambda column: (column.place,))
    if chosen is not None:
        why = f"the last column of two values{_with_values(chosen)}. Please check it."
        return chosen, f"target_column is {chosen.name!r}: {why}"
    return None, f"target_column is {_DEFAULT_TARGET!r}: no column of the sample looks like a label. Please correct it."


def _with_values(column: _Sampled) -> str:
    return f" (here {' and '.join(map(repr, sorted(set(column.values))))})"


def _guess_positive(target: _Sampled | None) -> tuple[str | int, str]:
    """The value that means *left*: by what it says, else the rarer one."""
    if target is None:
        return 1, "positive_label is 1: the sample does not say. Please correct it."
    counts = Counter(target.values)
    said = [value for known in _LEFT_VALUES for value in counts if value.lower() == known]
    said += [value for value in counts if _as_number(value) == 1 and _is_flag(target)]
    if said and (said[0] != "1" or _is_flag(target)):
        return _typed(said[0]), f"positive_label is {said[0]!r}: that is how one says that a client left."
    rarer = min(sorted(counts), key=counts.__getitem__)
    share = counts[rarer] / sum(counts.values())
    why = f"the rarer of the values ({share:.0%} of the rows). Please check it."
    return _typed(rarer), f"positive_label is {rarer!r}: {why}"


def _is_flag(column: _Sampled) -> bool:
    """0 and 1, not 1 and 2, of which 1 says nothing."""
    return {_as_number(value) for value in column.values} <= {0, 1}


def _typed(value: str) -> str | int:
    """Whole numbers as numbers, the rest as text."""
    number = _as_number(value)
    return int(number) if number is not None and number.is_integer() else value


def _guess_time(columns: Sequence[_Sampled]) -> tuple[_Sampled | None, str]:
    """A column of calendar dates, months, quarters or weeks, in a form that sorts, named like a row's own time."""
    dated = [column for column in columns if column.values and all(map(_is_time, column.values))]
    named = [column for column in dated if column.names_any(_TIMES) and _TIMES_OF_ROWS.issuperset(column.words)]
    chosen = _best(named, lambda column: (-column.place,))
    if chosen is None:
        return None, "time_column is null: no column says by its name and values which period a row speaks of."
    return chosen, f"time_column is {chosen.name!r}: its values, such as {chosen.values[0]!r}, are dates or periods."


def _is_time(value: str) -> bool:
    return any(form.fullmatch(value) for form in _TIME_FORMS)


def _guess_identity(columns: Sequence[_Sampled]) -> tuple[_Sampled | None, str]:
    """A column whose name says whose row it is; else a text that is different in every row."""
    whole = [column for column in columns if len(column.values) == column.rows and not _is_measured(column)]
    named = [column for column in whole if _says_whose(column)]
    chosen = _best(named, lambda column: (_says_whose(column), column.distinct == column.rows, -column.place))
    if chosen is not None:
        unique = ", and no value comes twice in the sample" if chosen.distinct == chosen.rows else ""
        return chosen, f"id_column is {chosen.name!r}: its name says whose row it is{unique}."
    texts = [
        column
        for column in whole
        if column.distinct == column.rows > 1 and not column.is_numeric and not all(map(_is_time, column.values))
    ]
    chosen = _best(texts, lambda column: (-column.place,))
    if chosen is not None:
        return chosen, f"id_column is {chosen.name!r}: a text that is different in every row of the sample."
    return None, "id_column is null: no column tells the rows' clients apart. Rows have no identity."


def _is_measured(column: _Sampled) -> bool:
    """Fractions measure something; they name nobody. Nor do two values in many rows."""
    numbers = (_as_number(value) for value in column.values)
    fractional = any(number is not None and not number.is_integer() for number in numbers)
    return fractional or (column.distinct <= _PAIR and column.rows > _MANY)


def _says_whose(column: _Sampled) -> int:
    """3 for "customer_id", 2 for "client" alone, 1 for an "id" of something, 0 for "client_age"."""
    if column.names_any(_OWNERS) and column.words[-1] in _IDS_OF_OWNERS:
        return 3
    if len(column.words) == 1 and column.names_any(_OWNERS):
        return 2
    return int(bool(column.words) and column.words[-1] in _IDS)


def _guess_worth(columns: Sequence[_Sampled]) -> tuple[_Sampled | None, str]:
    """A numeric column named like a yearly value; a monthly charge is not a year's worth."""
    numeric = [column for column in columns if column.is_numeric]
    for worth in _WORTH_WORDS:
        for column in numeric:
            if "_".join(column.words) == worth:
                return column, f"value_column is {column.name!r}: by its name what a client is worth in a year."
    return None, "value_column is null: no column is named like what a client is worth in a year."
