"""The sentence of a decision, that a client manager can read, and the one of its reason."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from handlers.domain.decisions.gains import Compared
from handlers.domain.decisions.requests import Ruling
from handlers.domain.estimator_names import short
from handlers.domain.learning_settings import Judging

NAMES = {"logistic": "logistic regression", "explainable_boosting": "boosting machine", "blend": "blend of both"}
MOST_NAMED = 3


class Misread(msgspec.Struct, frozen=True):
    """Rows of which the champion expected another number of leavers than there were. ``cell``: which rows, in words."""

    columns: tuple[str, ...]
    cell: str
    rows: int
    expected: float
    observed: int


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What the sentences are made of; see ``decision_record.Decided``."""

    verdict: str
    ruling: Ruling
    settings: Judging
    before: int | None
    after: int | None
    shifted: tuple[str, ...] = ()
    misread: tuple[Misread, ...] = ()
    held: tuple[str, ...] = ()
    freed: int = 0
    leaks: tuple[str, ...] = ()


def sentence(told: Told) -> str:
    """Why the model was changed or kept, in one paragraph."""
    said = [_done(told), *_misread(told), *_shifted(told), *told.held, *_freed(told), *told.leaks]
    return " ".join(one for one in said if one)


def reason(ruling: Ruling) -> str:
    """What made the rule look for another model, or leave it."""
    if ruling.note:
        return ruling.note
    if not ruling.judged or not ruling.state.path:
        return ""
    reading = ruling.state.path[-1]
    loss = (
        f"the log loss on {reading.rows:,.0f} new rows was {reading.loss:.3f}, promised was {reading.reference:.3f} "
        f"(z = {reading.z:.1f}, sum {reading.cusum:.1f})"
    )
    if reading.alarm:
        return f"Model {reading.version} has become worse: {loss}."
    if reading.phase == "watch":
        without = f"z = {reading.watch_z:.1f}, sum {reading.watch_cusum:.1f}, without the allowance"
        return f"Model {reading.version} is watched: {loss.partition(' (')[0]} ({without})."
    if reading.phase == "adapting":
        return f"After an alarm model {reading.version} is still being held against new ones: {loss}."
    return f"Model {reading.version} keeps its promise: {loss}."


def _done(told: Told) -> str:
    ruling, why = told.ruling, reason(told.ruling)
    best = ruling.best
    match told.verdict:
        case "collected":
            what = "There is no model yet"
        case "held":
            return f"Kept model {told.before}: all rows of this block are held."
        case "rolled_back":
            gain = "" if best is None else f" was {_better(best)} and"
            what = f"Went back to model {told.after}: it{gain} is surely better than model {told.before} by now"
        case "promoted":
            what = f"Deployed model {told.after} ({_name(ruling)}){_by(best)}"
        case _:
            what = f"Kept model {told.before}{'' if best is None else _beside(told, best)}"
    return f"{what}. {why}"


def _beside(told: Told, best: Compared) -> str:
    """How the champion compares with the best contender, and why that was not deployed."""
    if told.ruling.breaches:
        rails = "; ".join(breach.sentence for breach in told.ruling.breaches[:MOST_NAMED])
        return f": the new model was {_better(best)}, but {rails}"
    return f": the new model was {_better(best)}, {_verdict(told, best)}"


def _verdict(told: Told, best: Compared) -> str:
    verdict = told.ruling.verdict or best.verdict
    if verdict == "better":
        return "that is better"
    if 0 < best.gain <= best.least and (verdict == "not better" or best.low > 0):
        said = "which is not better" if verdict == "not better" else "not enough evidence"
        return f"less than the {100 * best.least:.1f}% that a change has to bring now: {said}"
    if verdict == "not better":
        return "that is not better"
    if best.gain <= best.least:
        return "which may be chance: not enough evidence"
    more = best.more_rows
    if more is None:
        return "not enough evidence; so small a gain would take too many rows to show"
    return f"not enough evidence; {_rounded(more):,} more rows would decide"


def _rounded(rows: int) -> int:
    """To two digits: more of an estimate would be no knowledge."""
    digits = max(len(str(rows)) - 2, 0)
    return int(round(rows, -digits)) or rows


def _by(best: Compared | None) -> str:
    return "" if best is None or best.gain == 0 else f": it was {_better(best)} on {best.sample.size:,} rows"


def _better(best: Compared) -> str:
    """By how much the loss is lower: better by 1.2% (-0.9% to 3.1%), 1.28 standard errors to each side."""
    low, high = best.interval
    if best.gain >= 0:
        return f"better by {_percent(best.gain)} ({_percent(low)} to {_percent(high)})"
    return f"worse by {_percent(-best.gain)} ({_percent(-high)} to {_percent(-low)})"


def _percent(part: float) -> str:
    return f"{round(100 * part, 1) + 0.0:.1f}%"  # a zero without a sign


def _name(ruling: Ruling) -> str:
    estimator = "" if ruling.deploy is None else ruling.deploy.estimator
    return NAMES.get(estimator) or short(estimator)


def _misread(told: Told) -> list[str]:
    if not told.misread:
        return []
    first = told.misread[0]
    columns = list(dict.fromkeys(column for one in told.misread for column in one.columns))[: MOST_NAMED + 1]
    among = f"among {first.rows:,} clients with {first.cell}"
    counts = f"{first.observed:,} left where {first.expected:,.0f} were expected"
    return [f"What has changed shows in {_listed(columns)}: {among}, {counts}."]


def _shifted(told: Told) -> list[str]:
    if not told.shifted:
        return []
    return [f"The values of {_listed(list(told.shifted[:MOST_NAMED]))} have shifted."]


def _freed(told: Told) -> list[str]:
    if not told.freed:
        return []
    files = "file that was held is" if told.freed == 1 else f"{told.freed} files that were held are"
    return [f"This is the new normal: the {files} learned from after all."]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
