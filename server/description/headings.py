"""Under which heading a route is described."""

from __future__ import annotations

from server.negotiation import JSON
from server.routes import TEXT, Route

_PREDICTIONS, _MODEL, _DATA, _SERVICE, _PAGES = HEADINGS = (
    "Predictions",
    "The model",
    "The data",
    "The service",
    "Pages",
)
_BEGINNINGS = (
    ("/v1/prediction", _PREDICTIONS),
    ("/v1/calls", _PREDICTIONS),
    ("/v1/scoring", _MODEL),
    ("/v1/models", _MODEL),
    ("/v1/rollback", _MODEL),
    ("/v1/decisions", _MODEL),
    ("/v1/drift", _MODEL),
    ("/v1/", _DATA),
)


def heading(route: Route) -> str:
    """One of HEADINGS."""
    for beginning, name in _BEGINNINGS:
        if route.path.startswith(beginning):
            return name
    return _SERVICE if {JSON, TEXT} & set(route.forms) else _PAGES
