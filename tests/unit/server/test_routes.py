"""The application, its description and its documentation have the same routes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from server import openapi
from server.app import build
from tests.unit.server.small_house import empty_house

ROOT = Path(__file__).parents[3]
ABSENT = ("/v1/events", "/v1/reports", "/docs", "/v1/clients/{id}", "/v1/calls/{id}/outcome")


@pytest.fixture
def served(tmp_path: Path) -> set[tuple[str, str]]:
    app = build(empty_house(tmp_path).services())
    routes = {(route.method, resource.canonical) for resource in app.router.resources() for route in resource}
    return {route for route in routes if route[0] != "HEAD"}


def test_the_description_has_every_route_and_no_other(served: set[tuple[str, str]]) -> None:
    paths = openapi.document("1")["paths"]
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} == served


def test_the_documentation_has_every_route_and_no_other(served: set[tuple[str, str]]) -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    headings = re.findall(r"^#+ `(GET|POST|DELETE) (/\S*)`", text, re.MULTILINE)
    also = re.findall(r"^Also `(GET|POST|DELETE) (/\S*)`", text, re.MULTILINE)
    assert len(headings + also) == len(set(headings + also))
    assert set(headings + also) == served


def test_every_documented_route_has_an_example(served: set[tuple[str, str]]) -> None:
    sections = re.split(r"^#+ `(?=GET|POST)", (ROOT / "docs" / "api.md").read_text(), flags=re.MULTILINE)[1:]
    assert sections
    assert [section.splitlines()[0] for section in sections if "curl " not in section] == []


def test_what_is_not_built_is_absent(served: set[tuple[str, str]]) -> None:
    assert not {path for _, path in served} & set(ABSENT)


def test_the_description_is_closed_and_its_schemas_are_schemas() -> None:
    document = openapi.document("1")
    schemas = document["components"]["schemas"]
    references = re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document))
    assert references
    assert set(references) <= schemas.keys()
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    operations = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(operations) == len(set(operations))
