"""Which of the three forms an answer takes, by the request's Accept header."""

from __future__ import annotations

from functools import lru_cache

JSON, CSV, ARROW = "application/json", "text/csv", "application/vnd.apache.arrow.stream"
#: In the order of preference.
FORMS = (JSON, CSV, ARROW)


@lru_cache(maxsize=256)
def answer_form(accept: str) -> str:
    """The form that is wanted most; JSON where none of the three is."""
    weights = dict.fromkeys(FORMS, 0.0)
    for entry in accept.lower().split(",")[:50]:
        name, *parameters = (piece.strip() for piece in entry.split(";"))
        if name in weights:
            weights[name] = _weight(parameters)
    best = max(weights.values())
    return next((form for form in FORMS if weights[form] == best), JSON) if best > 0 else JSON


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
