"""How values are written on the pages."""

from __future__ import annotations

import pytest

from handlers.calls import Reason
from server import wording


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "\u2013"),
        (0, "0"),
        (3.0, "3"),
        (13.6691, "13.67"),
        (17654.3, "17,654"),
        (1e20, "1e+20"),
        (0.00001, "1e-05"),
        (-2.5, "-2.5"),
    ],
)
def test_numbers_as_people_read_them(value: float | None, written: str) -> None:
    assert wording.number(value) == written


@pytest.mark.parametrize(
    ("probability", "written"), [(0.0, "< 1 %"), (1.0, "> 99 %"), (0.994, "99 %"), (0.5, "50 %"), (0.0051, "1 %")]
)
def test_certainty_is_never_claimed(probability: float, written: str) -> None:
    assert wording.percent(probability) == written


def test_times_are_utc() -> None:
    assert wording.when("2025-11-20T11:52:00.123Z") == "20 Nov 2025, 11:52 UTC"
    assert wording.when("2025-11-20T01:52:00+02:00") == "19 Nov 2025, 23:52 UTC"
    assert (wording.when(None), wording.when("soon")) == ("\u2013", "soon")


@pytest.mark.parametrize(
    ("effect", "said"),
    [(1.2, "raises it strongly"), (-1.2, "lowers it strongly"), (0.5, "raises it"), (-0.1, "lowers it slightly")],
)
def test_reasons_are_said_in_words(effect: float, said: str) -> None:
    reason: Reason = {"columns": ["tenure", "plan"], "values": [2, None], "effect": effect}
    assert wording.reason(reason) == "tenure is 2 and plan is missing"
    assert wording.strength(reason) == said
