"""Every problem, as a response of OpenAPI: what it means, its headers, and what it looks like."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

from server.problems import CONTENT_TYPE, Fault, Kind, Problem

_LONG = "A number or null is expected here, not the text 'long'."
_DETAILS = MappingProxyType(
    {
        Kind.MALFORMED: "The body is not JSON: JSON is malformed: expected ',' (byte 14).",
        Kind.BAD_REQUEST: "The request cannot be understood.",
        Kind.OUTDATED_CURSOR: "A newer drop has been ranked since this cursor was given; begin again without it.",
        Kind.CROSS_SITE: "The request was sent by a page of another site.",
        Kind.UNAUTHORISED: "The token is not known here: it was revoked, or never made.",
        Kind.FORBIDDEN: "dashboard has the role read; here predict is needed. `attritiond token add` makes one.",
        Kind.TOO_OFTEN: "dashboard asks more often than server.requests_per_second allows: send more clients in one.",
        Kind.NOT_FOUND: "There is no such release; /v1/models lists those there are.",
        Kind.METHOD_NOT_ALLOWED: "Allowed: GET, HEAD.",
        Kind.TOO_SLOW: "The headers had not come after 10 s.",
        Kind.EXPECTATION: "Only 100-continue can be expected.",
        Kind.HEADERS_TOO_LARGE: "There may be 128 headers.",
        Kind.REFUSED: "There is no previous release to go back to.",
        Kind.TOO_LARGE: "The body is larger than server.max_body_bytes allows: send it in parts.",
        Kind.UNSUPPORTED_TYPE: "Send text/csv, application/gzip or application/octet-stream as Content-Type.",
        Kind.MISDIRECTED: "Ask for localhost or 127.0.0.1: the service is bound to loopback.",
        Kind.WRONG_CLIENTS: f"Row 1, column tenure: {_LONG}",
        Kind.WRONG_PARAMETER: "limit: A whole number from 1 to 500 is expected.",
        Kind.WRONG_BODY: 'Send either {"clients": [{column: value, ...}, ...]} or {"dataset_path": ...}.',
        Kind.BUSY: "Other files are being checked; try again in a few seconds.",
        Kind.INTERNAL: "It is in the log under request id 4f6c1e0a9b7d4c2e8f3a5b6c7d8e9f00.",
        Kind.NO_MODEL: "There is no model to answer with. /readyz says why.",
        Kind.UNAVAILABLE: "The file could not be checked: the worker died. Try again; the log says more.",
    }
)
"""A sentence of each kind; a kind that is not here shows its title."""
_FAULTS = MappingProxyType(
    {
        Kind.WRONG_CLIENTS: (Fault("row 1, column tenure", _LONG),),
        Kind.WRONG_PARAMETER: (Fault("limit", "A whole number from 1 to 500 is expected."),),
    }
)
_HEADERS = MappingProxyType({401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After"})
"""Headers that a status always has. A 503 may have Retry-After, and has it before the first model."""


def name_of(kinds: Iterable[Kind]) -> str:
    """The name of the component that answers these kinds, which share a status."""
    return ".".join(kind.slug for kind in kinds)


def response(kinds: tuple[Kind, ...], schema: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    """The response of these kinds, which share a status. ``headers``: those of every answer."""
    status = kinds[0].status
    more = {}
    if status in _HEADERS:
        more = {_HEADERS[status]: {"$ref": f"#/components/headers/{_HEADERS[status]}"}}
    examples = {kind.slug: {"summary": kind.title, "value": example(kind)} for kind in kinds}
    return {
        "description": "; ".join(dict.fromkeys(kind.title for kind in kinds)),
        "headers": headers | more,
        "content": {CONTENT_TYPE: {"schema": schema, "examples": examples}},
    }


def example(kind: Kind) -> dict[str, Any]:
    """A problem of this kind as it is answered."""
    return dict(Problem(kind, _DETAILS.get(kind, kind.title), _FAULTS.get(kind, ())).document())
