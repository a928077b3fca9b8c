"""Which form an answer takes."""

from __future__ import annotations

import pytest

from server.negotiation import ARROW, CSV, JSON, answer_form


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON),
        ("text/csv", CSV),
        ("Text/CSV; charset=utf-8", CSV),
        ("application/json;q=0.5, text/csv", CSV),
        ("text/csv;q=0.5, application/vnd.apache.arrow.stream;q=0.9", ARROW),
        ("text/csv;q=0", JSON),
        ("text/csv;q=x", JSON),
        (",;,=;q", JSON),
    ],
)
def test_the_form_that_is_wanted_most(accept: str, form: str) -> None:
    assert answer_form(accept) == form
