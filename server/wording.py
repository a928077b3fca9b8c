"""How values are written on the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from handlers.calls import Reason
from handlers.domain.estimator_names import short

#: Log-odds from which a contribution is called strong, and below which it is called slight.
STRONG, SLIGHT = 1.0, 0.25
MISSING = "\N{EN DASH}"
_ESTIMATORS = {
    "logistic": "logistic regression",
    "explainable_boosting": "explainable boosting machine",
    "blend": "blend of both",
}
_SMALL, _WHOLE, _LARGE = 0.001, 1e3, 1e15


def number(value: float | None) -> str:
    """Write a number as people read it: 1,234, 13.67, 1.2e+20."""
    if value is None:
        return MISSING
    if abs(value) >= _LARGE or 0 < abs(value) < _SMALL:
        return f"{value:.3g}"
    if float(value).is_integer() or abs(value) >= _WHOLE:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def score(value: float | None) -> str:
    """Write a score with three decimals."""
    return MISSING if value is None else f"{value:.3f}"


def percent(probability: float) -> str:
    """Write a probability; certainty is never claimed."""
    if probability > 0.995:  # noqa: PLR2004 - what would be rounded to 100 %
        return "> 99 %"
    if probability < 0.005:  # noqa: PLR2004 - what would be rounded to 0 %
        return "< 1 %"
    return f"{probability * 100:.0f} %"


def when(timestamp: str | None) -> str:
    """Write a time of the ledger: 20 Nov 2025, 11:52 UTC."""
    if not timestamp:
        return MISSING
    try:
        time = datetime.fromisoformat(timestamp).astimezone(UTC)
    except ValueError:
        return timestamp
    return f"{time.day} {time:%b %Y, %H:%M} UTC"


def estimator(name: str) -> str:
    """Write an estimator's name out."""
    return _ESTIMATORS.get(name) or short(name).replace("_", " ")


def reason(contribution: Reason) -> str:
    """Say what a contribution comes from: tenure is 2."""
    pairs = zip(contribution["columns"], contribution["values"], strict=True)
    return " and ".join(f"{column} is {_value(value)}" for column, value in pairs)


def strength(contribution: Reason) -> str:
    """Say what a contribution does to the risk: raises it strongly, lowers it, raises it slightly."""
    effect = contribution["effect"]
    verb = "raises" if effect > 0 else "lowers"
    how = " strongly" if abs(effect) >= STRONG else " slightly" if abs(effect) < SLIGHT else ""
    return f"{verb} it{how}"


def verdict(name: str | None) -> str:
    """How a decision's verdict is coloured."""
    colours = {"promoted": "good", "failed": "bad", "rolled_back": "warn", "held": "warn"}
    return colours.get(name or "", "plain")


def share(part: float) -> str:
    """Write a share of the rows: 12.3 %."""
    return f"{100 * part:.1f} %"


def signed_percent(part: float) -> str:
    """Write a part as percent with its sign: +1.2 %, -0.9 %."""
    return f"{100 * part:+.1f} %"


def _value(value: str | float | None) -> str:
    if value is None:
        return "missing"
    return value if isinstance(value, str) else number(value)


FILTERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "number": number,
        "score": score,
        "percent": percent,
        "when": when,
        "estimator": estimator,
        "reason": reason,
        "strength": strength,
        "verdict": verdict,
        "share": share,
        "signed_percent": signed_percent,
    }
)
