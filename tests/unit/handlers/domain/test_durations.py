"""Durations, read and written."""

from __future__ import annotations

import pytest

from handlers.domain.durations import in_words, seconds_of


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (90, 90.0),
        (0.5, 0.5),
        ("1 second", 1.0),
        ("90 minutes", 5_400.0),
        ("31 days", 2_678_400.0),
        ("1 week", 604_800.0),
    ],
)
def test_a_duration_is_seconds_or_a_number_with_its_unit(written: float | str, seconds: float) -> None:
    assert seconds_of(written) == seconds


@pytest.mark.parametrize("text", ["31", "days", "a day", "1 month", "-1 days", "", "1.5 days"])
def test_another_text_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 seconds"),
        (1, "1 second"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (86_400, "24 hours"),
        (2_678_400, "31 days"),
    ],
)
def test_a_duration_is_told_in_the_largest_unit_of_which_there_are_two(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
