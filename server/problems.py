"""Every error that the API answers, as ``application/problem+json`` (RFC 9457): one table, one form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypedDict

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from handlers.domain.scorer import EstimatorFailed, NotAnswering

CONTENT_TYPE = "application/problem+json"
#: The greatest part of a sentence that is repeated to who asked.
DETAIL_CHARACTERS = 1_000

#: For a problem after which the connection cannot go on.
CLOSE = {"Connection": "close"}


class Kind(Enum):
    """The errors: status and title. The name, in lower case with hyphens, is the end of the problem's type."""

    MALFORMED = (400, "The body cannot be parsed")
    BAD_REQUEST = (400, "The request cannot be understood")
    OUTDATED_CURSOR = (400, "The cursor belongs to a list that has been replaced")
    UNAUTHORISED = (401, "A token is needed")
    FORBIDDEN = (403, "The token does not allow this")
    CROSS_SITE = (403, "Requests from other sites are refused")
    NOT_FOUND = (404, "There is no such thing")
    METHOD_NOT_ALLOWED = (405, "The method is not allowed here")
    TOO_SLOW = (408, "The request came too slowly")
    REFUSED = (409, "What was asked for cannot be")
    TOO_LARGE = (413, "The body is too large")
    UNSUPPORTED_TYPE = (415, "The content type is not supported")
    EXPECTATION = (417, "What is expected cannot be done")
    MISDIRECTED = (421, "This host name is not served")
    WRONG_CLIENTS = (422, "A column is missing, or has values of the wrong type")
    WRONG_PARAMETER = (422, "A parameter is wrong")
    WRONG_BODY = (422, "The body has another form than it should")
    BUSY = (429, "Too much is asked for at once")
    TOO_OFTEN = (429, "The token is used too often")
    HEADERS_TOO_LARGE = (431, "The headers are too large")
    INTERNAL = (500, "Something that should not happen has happened")
    NO_MODEL = (503, "There is no model yet")
    UNAVAILABLE = (503, "It cannot be done at the moment")

    @property
    def status(self) -> int:
        return self.value[0]

    @property
    def title(self) -> str:
        return self.value[1]

    @property
    def slug(self) -> str:
        return self.name.lower().replace("_", "-")


class ProblemError(TypedDict):
    """One of the faults behind a problem, and where it is."""

    location: str
    message: str


class ProblemDocument(TypedDict):
    """An error, by RFC 9457. ``detail`` says what is wrong and what to do."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemError]


@dataclass(frozen=True, slots=True)
class Fault:
    """One of the faults behind a problem."""

    location: str
    message: str


class Problem(Exception):
    """Answered instead of a result."""

    def __init__(
        self, kind: Kind, detail: str, errors: Iterable[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def document(self) -> ProblemDocument:
        """The body of the answer."""
        return {
            "type": f"urn:attritiond:problem:{self.kind.slug}",
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail[:DETAIL_CHARACTERS],
            "errors": [{"location": fault.location, "message": fault.message} for fault in self.errors],
        }

    def body(self) -> bytes:
        """The document as it is sent."""
        return msgspec.json.encode(self.document())

    def response(self) -> web.Response:
        """The answer."""
        return web.Response(body=self.body(), status=self.kind.status, content_type=CONTENT_TYPE, headers=self.headers)


def no_model() -> Problem:
    """Nothing has been deployed yet."""
    detail = "There is no model to answer with. /readyz says why."
    return Problem(Kind.NO_MODEL, detail, headers={"Retry-After": "5"})


def wrong_parameter(name: str, message: str) -> Problem:
    """A parameter of the query or of the path cannot be used."""
    return Problem(Kind.WRONG_PARAMETER, f"{name}: {message}", [Fault(name, message)])


_FROM_LIBRARY: tuple[tuple[tuple[type[Exception], ...], tuple[Kind, str]], ...] = (
    ((web.HTTPNotFound,), (Kind.NOT_FOUND, "There is nothing at this address; /openapi.json lists what there is.")),
    (
        (web.RequestPayloadError, HttpProcessingError),
        (Kind.MALFORMED, "The body ended early, or is not encoded as its headers say."),
    ),
)


def problem_of(error: Exception) -> Problem | None:
    """What an exception of the HTTP library or of a silent model means, or None for one that should not happen."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return Problem(Kind.METHOD_NOT_ALLOWED, f"Allowed: {allowed}.", headers={"Allow": allowed})
    if isinstance(error, NotAnswering | EstimatorFailed):
        return Problem(Kind.UNAVAILABLE, f"The model gives no answer: {error}.", headers={"Retry-After": "5"})
    found = next((answer for kinds, answer in _FROM_LIBRARY if isinstance(error, kinds)), None)
    if found is not None:
        return Problem(*found)
    return Problem(Kind.BAD_REQUEST, error.reason) if isinstance(error, web.HTTPException) else None
