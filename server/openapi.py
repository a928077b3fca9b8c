"""The description of the API, OpenAPI 3.1, made from the table of routes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from server.negotiation import JSON
from server.problems import CONTENT_TYPE, Kind, ProblemDocument
from server.routes import ROUTES, Route, addresses, role_needed
from server.wire import PredictionRequest

_TEMPLATE = "#/components/schemas/{name}"
_NUMBER = {"type": "integer", "minimum": 1}
_PATH_SCHEMAS = {"sha256": {"type": "string", "pattern": "^[0-9A-Fa-f]{4,64}$"}}
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token of `attritiond token add`."},
    "basic": {"type": "http", "scheme": "basic", "description": "Any user name, and a token as the password."},
}
_BY_PATH = re.compile(r"\{(\w+)\}")


def document(version: str, *, tokens: bool = False, routes: Sequence[Route] = ROUTES) -> dict[str, Any]:
    """The whole description; ``version`` is that of the program, ``tokens``: whether they are asked for here.

    ``routes``: those that there are; the daemon's by default. Those that are ``elsewhere`` are left out.
    """
    routes = [route for route in routes if not route.elsewhere]
    types = [PredictionRequest, ProblemDocument, *(route.answers for route in routes if route.answers is not None)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_TEMPLATE)
    answers = dict(zip([repr(one) for one in types], schemas, strict=True))
    paths: dict[str, Any] = {}
    for route in routes:
        for path in addresses(route):
            paths.setdefault(path, {})[route.method.lower()] = _operation(route, path, answers) | {
                "security": _security(route, tokens=tokens)
            }
    return {
        "openapi": "3.1.0",
        "info": {"title": "attritiond", "version": version},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
    }


def _operation(route: Route, path: str, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": f"{route.method.lower()}{path.replace('/', '_').replace('{', '').replace('}', '')}",
        "responses": _responses(route, schemas),
    }
    by_path = [
        {"name": name, "in": "path", "required": True, "schema": _PATH_SCHEMAS.get(name, _NUMBER)}
        for name in _BY_PATH.findall(path)
    ]
    by_query = [
        {"name": one.name, "in": "query", "description": one.description, "schema": one.schema}
        for one in route.parameters
    ]
    if by_path or by_query:
        operation["parameters"] = by_path + by_query
    if route.takes:
        content = {form: {"schema": schemas[repr(PredictionRequest)]} if form == JSON else {} for form in route.takes}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _security(route: Route, *, tokens: bool) -> list[dict[str, list[str]]]:
    """Each way to authenticate, with the role that is needed. Without tokens also none at all."""
    needed = role_needed(route)
    if needed is None:
        return []
    return [{name: [str(needed)]} for name in _SCHEMES] + ([] if tokens else [{}])


def _responses(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    content = {form: {"schema": schemas[repr(route.answers)]} if form == JSON else {} for form in route.forms}
    responses: dict[str, Any] = {"200": {"description": route.summary, "content": content}}
    if route.path.endswith("/retry"):
        responses["202"] = {"description": "It still waits to be taken", "content": content}
    if route.path == "/readyz":
        responses["503"] = {"description": "It is not ready, for the reasons given", "content": content}
    titles: dict[int, list[str]] = {}
    door = () if role_needed(route) is None else (Kind.UNAUTHORISED, Kind.FORBIDDEN, Kind.TOO_OFTEN)
    for kind in (*route.problems, *door, Kind.CROSS_SITE, Kind.MISDIRECTED):
        if kind is not Kind.CROSS_SITE or route.method == "POST":
            titles.setdefault(kind.status, []).append(kind.title)
    problem = {CONTENT_TYPE: {"schema": schemas[repr(ProblemDocument)]}}
    for status, why in sorted(titles.items()):
        responses.setdefault(str(status), {"description": "; ".join(why), "content": problem})
    return responses
