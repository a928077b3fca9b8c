"""The description of the API, OpenAPI 3.1, made from the table of routes and the types that decode and encode."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from handlers.domain.release import Release
from server.description import examples, problems
from server.description.clients import client_schema, example_client, example_csv
from server.description.headings import HEADINGS, heading
from server.description.schemas import REFERENCE, schemas_of
from server.json_requests import PredictionRequest
from server.negotiation import CSV, JSON
from server.problems import Kind, ProblemDocument
from server.release_header import MODEL_VERSION
from server.routes import HTML, ROUTES, Description, Route, addresses, is_revalidated, role_needed

_PREDICTION = "/v1/prediction"
_BY_PATH = re.compile(r"\{(\w+)\}")
_PATHS: dict[str, dict[str, Any]] = {
    "sha256": {"schema": {"type": "string", "pattern": "^[0-9A-Fa-f]{4,64}$"}, "example": "9f86d081"},
    "version": {"schema": {"type": "integer", "minimum": 1}, "example": 1},
}
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token of `attritiond token add`."},
    "basic": {"type": "http", "scheme": "basic", "description": "Any user name, and a token as the password."},
}
_BYTES = {"type": "string", "format": "binary"}
_EVERYWHERE = (
    *(Kind.BAD_REQUEST, Kind.METHOD_NOT_ALLOWED, Kind.TOO_SLOW, Kind.EXPECTATION, Kind.MISDIRECTED),
    *(Kind.HEADERS_TOO_LARGE, Kind.INTERNAL, Kind.UNAVAILABLE),
)
_DOOR = (Kind.UNAUTHORISED, Kind.FORBIDDEN, Kind.TOO_OFTEN)
_ALWAYS = {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-ID", "traceparent")}
_HEADERS: dict[str, Any] = {
    "X-Request-ID": {
        "description": "The id under which the log knows the request: one that was sent is kept if it has at most 64"
        " letters, digits, dots, underscores and hyphens.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "example": "4f6c1e0a9b7d4c2e8f3a5b6c7d8e9f00",
    },
    "traceparent": {
        "description": "Where the request had a valid one (W3C Trace Context): its trace id, and an id of this answer.",
        "schema": {"type": "string", "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"},
        "example": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    },
    MODEL_VERSION: {
        "description": "The release that the answer is of.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
        "example": 2,
    },
    "X-Served-By": {
        "description": "What has answered: the release's scorecard, or the pipeline of an estimator of the user's own.",
        "required": True,
        "schema": {"type": "string", "enum": ["scorecard", "pipeline"]},
        "example": "scorecard",
    },
    "X-Threshold": {
        "description": "Of a CSV: the probability from which a client is predicted to leave.",
        "schema": {"type": "number"},
        "example": 0.5,
    },
    "X-Warnings": {
        "description": "Of a CSV: the warnings, if there are any, in one line of at most 2,000 characters.",
        "schema": {"type": "string"},
        "example": "The target exited was not used.",
    },
    "ETag": {
        "description": "Of the current release and of what is said; send it as If-None-Match to be answered 304.",
        "required": True,
        "schema": {"type": "string"},
        "example": '"2-6f1ed002ab559585"',
    },
    "WWW-Authenticate": {
        "description": "How a token is sent.",
        "required": True,
        "schema": {"type": "string"},
        "example": 'Bearer realm="attritiond"',
    },
    "Allow": {"description": "The methods of this address.", "required": True, "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer"}, "example": 5},
}
_ABOUT = """\
Clients that are about to leave: predictions of the current release, how it came to be current, and the data behind it.

Every answer has an X-Request-ID. Every error is application/problem+json (RFC 9457). HEAD is answered wherever GET is.
Lists are newest first and paged: `next` of one page is `cursor` of the following one, and null on the last.\
"""


def document(
    version: str, release: Release | None = None, *, tokens: bool = False, routes: Sequence[Route] = ROUTES
) -> Description:
    """The whole description; ``version`` is that of the program, ``release`` the one whose clients are described.

    ``tokens``: whether they are asked for here. ``routes``: those that there are, by default the daemon's; those that
    are ``elsewhere`` are left out.
    """
    _, schemas = _schemas()
    of_bodies = {
        "Client": client_schema(release),
        PredictionRequest.__name__: _either(schemas[PredictionRequest.__name__]),
    }
    paths: dict[str, Any] = {}
    responses: dict[str, Any] = {}
    for route in (one for one in routes if not one.elsewhere):
        for path in addresses(route):
            operation = _operation(route, path, responses, release) | {"security": _security(route, tokens=tokens)}
            paths.setdefault(path, {})[route.method.lower()] = operation
            if route.method == "GET":
                paths[path]["head"] = _without_bodies(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "attritiond", "version": version, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in HEADINGS],
        "paths": paths,
        "components": {
            "schemas": schemas | of_bodies,
            "responses": responses,
            "headers": _HEADERS,
            "securitySchemes": _SCHEMES,
        },
    }


@cache
def _schemas() -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of each type that is decoded or encoded, by the type's repr, and what they refer to, by name."""
    types = [PredictionRequest, ProblemDocument, *(route.answers for route in ROUTES if route.answers is not None)]
    return schemas_of(types)


def _either(request: dict[str, Any]) -> dict[str, Any]:
    """A request that has exactly one of its properties, as ``json_requests.decode_request`` demands."""
    properties = dict(request["properties"])
    properties["clients"] = {
        "type": "array",
        "description": "Numbers as numbers, categories as text or integers, null for missing.",
        "minItems": 1,
        "items": {"$ref": REFERENCE.format(name="Client")},
    }
    properties["dataset_path"] = {
        "type": "string",
        "format": "dataset-path",
        "description": "A .csv or .csv.gz inside the configured folders, relative to the configuration file; no `..`,"
        " no links.",
        "examples": ["testdata/testdata.csv"],
    }
    alternatives = [
        {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}
        for name, schema in properties.items()
    ]
    return {"title": request["title"], "description": request["description"], "oneOf": alternatives}


def _operation(route: Route, path: str, responses: dict[str, Any], release: Release | None) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "tags": [heading(route)],
        "summary": route.summary,
        "description": inspect.getdoc(route.handler) or "",
        "operationId": _operation_id(route.method, path),
        "responses": _responses(route, responses),
    }
    by_path = [{"name": name, "in": "path", "required": True, **_PATHS[name]} for name in _BY_PATH.findall(path)]
    by_query = [
        {"name": one.name, "in": "query", "description": one.description, "schema": one.schema}
        | ({} if one.example is None else {"example": one.example})
        for one in route.parameters
    ]
    if by_path or by_query:
        operation["parameters"] = by_path + by_query
    if route.takes:
        # No bytes are no request for a prediction, but they are a file: an empty one, and what becomes of it is said.
        content = {form: _taken(form, release) for form in route.takes}
        operation["requestBody"] = {"required": JSON in route.takes, "content": content}
    return operation


def _security(route: Route, *, tokens: bool) -> list[dict[str, list[str]]]:
    """Each way to authenticate, with the role that is needed. Without tokens also none at all."""
    needed = role_needed(route)
    if needed is None:
        return []
    return [{name: [str(needed)]} for name in _SCHEMES] + ([] if tokens else [{}])


def _operation_id(method: str, path: str) -> str:
    return f"{method.lower()}{re.sub('[/.]', '_', path).replace('{', '').replace('}', '')}"


def _taken(form: str, release: Release | None) -> dict[str, Any]:
    """A body that is sent, by its content type."""
    if form == JSON:
        clients = {"summary": "Clients as objects", "value": {"clients": [example_client(release)]}}
        path = {"summary": "A CSV beside the daemon", "value": {"dataset_path": "testdata/testdata.csv"}}
        return {
            "schema": {"$ref": REFERENCE.format(name=PredictionRequest.__name__)},
            "examples": {"clients": clients, "dataset_path": path},
        }
    if form == CSV:
        return {"schema": {"type": "string"}, "example": example_csv(release)}
    return {"schema": _BYTES}


def _responses(route: Route, components: dict[str, Any]) -> dict[str, Any]:
    """The responses of a route; those of problems are added to ``components`` and referred to."""
    headers = dict(_ALWAYS)
    if route.path == _PREDICTION:
        headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS if name.startswith("X-")}
    elif route.of_release:
        headers[MODEL_VERSION] = _release_header(route)
    content = {form: _answered(route, form) for form in route.forms}
    responses: dict[str, Any] = {"200": {"description": route.summary, "headers": headers, "content": content}}
    if is_revalidated(route):
        headers["ETag"] = {"$ref": "#/components/headers/ETag"}
        responses["304"] = {
            "description": "It is as it was when the ETag in If-None-Match was given",
            "headers": headers,
        }
    if route.path.endswith("/retry"):
        responses["202"] = {"description": "It still waits to be taken", "headers": headers, "content": content}
    unwell = {"/livez": ("alive", examples.STUCK), "/readyz": ("ready", examples.NOT_READY)}
    if route.path in unwell:
        state, example = unwell[route.path]
        why = {JSON: {"schema": content[JSON]["schema"], "example": dict(example)}}
        detail = f"It is not {state}, for the reasons given"
        responses["503"] = {"description": detail, "headers": headers, "content": why}
    for kinds in _problems(route):
        if str(kinds[0].status) not in responses:
            name = problems.name_of(kinds)
            schema = _schemas()[0][repr(ProblemDocument)]
            components.setdefault(name, problems.response(kinds, schema, _ALWAYS))
            responses[str(kinds[0].status)] = {"$ref": f"#/components/responses/{name}"}
    return responses


def _release_header(route: Route) -> dict[str, Any]:
    """Whoever answers without a model, too, names none then."""
    if Kind.NO_MODEL in route.problems:
        return {"$ref": f"#/components/headers/{MODEL_VERSION}"}
    described: dict[str, Any] = _HEADERS[MODEL_VERSION]
    return described | {"description": f"{described['description']} Absent before the first.", "required": False}


def _problems(route: Route) -> list[tuple[Kind, ...]]:
    """The problems that a route answers, one tuple for each status, by the status."""
    kinds = {*route.problems, *_EVERYWHERE, *((Kind.CROSS_SITE,) if route.method == "POST" else ())}
    kinds |= set(_DOOR) if role_needed(route) is not None else set()
    statuses = sorted({kind.status for kind in kinds})
    return [tuple(kind for kind in Kind if kind in kinds and kind.status == status) for status in statuses]


def _answered(route: Route, form: str) -> dict[str, Any]:
    """A body that is answered, by its content type."""
    if form == JSON:
        return {"schema": _schemas()[0][repr(route.answers)], "example": examples.ANSWERS[route.path]}
    if form == HTML:
        return {"schema": {"type": "string"}, "example": examples.PAGE}
    if form.startswith("text/") or form.endswith("+xml"):
        return {"schema": {"type": "string"}, "example": examples.TEXTS[route.path]}
    return {"schema": _BYTES}


def _without_bodies(operation: dict[str, Any]) -> dict[str, Any]:
    """What HEAD answers where GET is this operation: the same, without the body."""
    bare = {
        status: response if "$ref" in response else {key: value for key, value in response.items() if key != "content"}
        for status, response in operation["responses"].items()
    }
    return operation | {
        "summary": f"{operation['summary']}: the headers alone",
        "operationId": f"head{operation['operationId'].removeprefix('get')}",
        "responses": bare,
    }
