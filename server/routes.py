"""Every route, once: what the application is built from, and what /openapi.json says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

from aiohttp.typedefs import Handler

from handlers.calls import Calls
from handlers.diagnostics import Diagnostics
from handlers.domain.files import FileState
from handlers.domain.roles import Role
from handlers.domain.scorer import Form
from handlers.drift_status import Drift
from handlers.model_records import ModelDetail, ModelsPage, Scoring
from handlers.records import DecisionItem, FileCheck, FileItem, Page
from handlers.statistics import SummaryStatistics
from server.negotiation import ARROW, CSV, JSON
from server.parameters import CALLS_CURSOR, CURSOR, FILE_NAME
from server.problems import Kind
from server.views import deployment, docs, drift_page, files, health, page, prediction, records
from server.wire import PredictionAnswer

HTML, CSS, SVG, TEXT = "text/html", "text/css", "image/svg+xml", "text/plain"


class Ready(TypedDict):
    """A sentence for each check that fails, and for what is amiss although requests are answered as well as ever.

    ``waiting`` and ``undecided`` count files not yet taken and decided on; 0 and 0 when idle. ``form``: what serves the
    current model, null before the first.
    """

    status: Literal["ready", "unavailable"]
    problems: dict[str, str]
    warnings: dict[str, str]
    waiting: int
    undecided: int
    form: Form | None


class Alive(TypedDict):
    """The loop turns; ``detail`` says why ``status`` is not ``alive``."""

    status: Literal["alive", "stuck"]
    detail: NotRequired[str]


class Information(TypedDict):
    """What is described, and its version."""

    title: str
    version: str
    description: str


class Description(TypedDict):
    """This API in OpenAPI 3.1."""

    openapi: Literal["3.1.0"]
    info: Information
    servers: list[dict[str, str]]
    tags: list[dict[str, str]]
    paths: dict[str, dict[str, Any]]
    components: dict[str, dict[str, Any]]


class Deployed(TypedDict):
    """The release that is current now."""

    model_version: int


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query. ``example``: a value that can be tried, or None."""

    name: str
    description: str
    schema: dict[str, Any]
    example: int | str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """``answers``: the type of a JSON answer, or None; ``forms``: its content types. ``old``: also without /v1.

    ``of_release``: its answers name the release that they are of, where there is one.
    ``needs``: the role that a token must have; ``open``: answered to strangers too. ``elsewhere``: the answer is that
    the daemon has it, and not who was asked.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    answers: Any = None
    forms: tuple[str, ...] = (JSON,)
    takes: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[Kind, ...] = ()
    old: bool = False
    of_release: bool = False
    needs: Role | None = None
    open: bool = False
    elsewhere: bool = False


_LIMIT = Parameter("limit", "How many items.", {"type": "integer", "minimum": 1, "maximum": 500, "default": 100}, 10)
_NEXT = 'The "next" of the page before.'
_PAGING = (_LIMIT, Parameter("cursor", _NEXT, {"type": "string", "pattern": CURSOR}))
_CALLS_PAGING = (_LIMIT, Parameter("cursor", _NEXT, {"type": "string", "pattern": CALLS_CURSOR}))
_STATE = Parameter("state", "Only files in this state.", {"enum": list(FileState), "type": "string"}, "quarantined")
_NAME = Parameter(
    "name",
    "The name that the file would have in the source folder: at most 255 bytes of UTF-8.",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": FILE_NAME, "not": {"enum": [".", ".."]}},
    "july.csv",
)
_REASONS = Parameter(
    "reasons",
    "How many of the strongest contributions to give for each client.",
    {"type": "integer", "minimum": 0, "maximum": 20, "default": 0},
    3,
)
_BODY = (
    Kind.MALFORMED,
    Kind.NOT_FOUND,
    Kind.TOO_LARGE,
    Kind.UNSUPPORTED_TYPE,
    Kind.WRONG_CLIENTS,
    Kind.WRONG_PARAMETER,
    Kind.WRONG_BODY,
    Kind.NO_MODEL,
)
_WRONG = (Kind.WRONG_PARAMETER,)

ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/prediction",
        prediction.prediction,
        "Score clients",
        PredictionAnswer,
        (JSON, CSV, ARROW),
        takes=(JSON, CSV, ARROW),
        parameters=(_REASONS,),
        problems=_BODY,
        old=True,
        of_release=True,
        needs=Role.PREDICT,
    ),
    Route(
        "GET",
        "/v1/scoring",
        records.scoring,
        "How good the release is",
        Scoring,
        problems=(Kind.NO_MODEL,),
        old=True,
        of_release=True,
    ),
    Route("GET", "/v1/summarystats", records.summarystats, "Statistics of the data set", SummaryStatistics, old=True),
    Route(
        "GET",
        "/v1/diagnostics",
        records.diagnostics,
        "Timings, gaps, libraries, drift",
        Diagnostics,
        old=True,
        of_release=True,
    ),
    Route("GET", "/v1/files", records.files, "Files", Page[FileItem], parameters=(*_PAGING, _STATE), problems=_WRONG),
    Route(
        "POST",
        "/v1/files/check",
        files.check,
        "What would happen to a file",
        FileCheck,
        needs=Role.PREDICT,
        takes=files.TAKES,
        parameters=(_NAME,),
        problems=(
            Kind.MALFORMED,
            Kind.TOO_LARGE,
            Kind.UNSUPPORTED_TYPE,
            Kind.WRONG_PARAMETER,
            Kind.BUSY,
            Kind.UNAVAILABLE,
        ),
    ),
    Route(
        "POST",
        "/v1/files/{sha256}/retry",
        files.retry,
        "Take a refused file again",
        FileItem,
        problems=(Kind.NOT_FOUND, Kind.REFUSED, Kind.UNAVAILABLE),
    ),
    Route("GET", "/v1/models", records.models, "Releases", ModelsPage, parameters=_PAGING, problems=_WRONG),
    Route("GET", "/v1/models/{version}", records.model, "One release", ModelDetail, problems=(Kind.NOT_FOUND,)),
    Route(
        "POST",
        "/v1/models/{version}/deploy",
        deployment.deploy,
        "Make a release the current one",
        Deployed,
        problems=(Kind.NOT_FOUND, Kind.REFUSED),
    ),
    Route("POST", "/v1/rollback", deployment.rollback, "Go back one release", Deployed, problems=(Kind.REFUSED,)),
    Route(
        "GET", "/v1/decisions", records.decisions, "Decisions", Page[DecisionItem], parameters=_PAGING, problems=_WRONG
    ),
    Route("GET", "/v1/drift", records.drift, "How the champion is being judged", Drift, of_release=True),
    Route(
        "GET",
        "/v1/calls",
        records.calls,
        "Clients of the newest unlabelled drop, by risk",
        Calls,
        parameters=_CALLS_PAGING,
        problems=(Kind.OUTDATED_CURSOR, Kind.WRONG_PARAMETER, Kind.NO_MODEL),
        of_release=True,
    ),
    Route("GET", "/livez", health.livez, "Is it alive? 503 if its loop is stuck", Alive, open=True),
    Route("GET", "/readyz", health.readyz, "Can it predict? 503 if not", Ready, open=True),
    Route("GET", "/metrics", health.metrics, "Counts for Prometheus", forms=(TEXT,)),
    Route("GET", "/openapi.json", docs.openapi, "This description, for programs", Description, of_release=True),
    Route("GET", "/docs", docs.docs, "This description, for people", forms=(HTML,)),
    Route("GET", "/", page.index, "The page for people", forms=(HTML,)),
    Route("GET", "/drift", drift_page.drift, "How the model is being judged, for people", forms=(HTML,)),
    Route("GET", "/style.css", page.style, "How the page looks", forms=(CSS,)),
    Route("GET", "/icon.svg", page.icon, "The page's sign in a browser's tab", forms=(SVG,)),
)


def role_needed(route: Route) -> Role | None:
    """The role that a route asks for, None where it asks nobody.

    Where the table says nothing: *read* to read, and *admin* for whatever else, so that what was forgotten is closed.
    """
    if route.open:
        return None
    return route.needs or (Role.READ if route.method == "GET" else Role.ADMIN)


def is_revalidated(route: Route) -> bool:
    """Has its answer a tag, with which a client asks whether there is another one by now?"""
    return route.method == "GET" and route.path.startswith("/v1/")


def addresses(route: Route) -> Iterator[str]:
    """The paths that a route answers at."""
    yield route.path
    if route.old:
        yield route.path.removeprefix("/v1")
