"""The application, its description and its documentation have the same routes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from handlers.domain.release import Release
from server import openapi
from server.app import build
from server.routes import ROUTES
from tests.unit.server.small_house import empty_house, release

ROOT = Path(__file__).parents[3]
ABSENT = ("/v1/events", "/v1/reports", "/v1/clients/{id}", "/v1/calls/{id}/outcome")


@pytest.fixture
def served(tmp_path: Path) -> set[tuple[str, str]]:
    app = build(empty_house(tmp_path).services())
    routes = {(route.method, resource.canonical) for resource in app.router.resources() for route in resource}
    return {route for route in routes if route[0] != "HEAD"}


def test_the_description_has_every_route_and_no_other(served: set[tuple[str, str]]) -> None:
    paths = openapi.document("1")["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert described == served | {("HEAD", path) for method, path in served if method == "GET"}


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


def test_the_documentation_says_which_answers_name_their_release() -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    (said,) = re.findall(r"`X-Model-Version` names the release that an answer is of: (.+?)\.\n", text, re.DOTALL)
    assert set(re.findall(r"`(/\S*)`", said)) == {route.path for route in ROUTES if route.of_release}


def test_what_is_not_built_is_absent(served: set[tuple[str, str]]) -> None:
    assert not {path for _, path in served} & set(ABSENT)


@pytest.mark.parametrize("model", [None, release()], ids=["before the first model", "with a model"])
def test_the_description_is_valid(model: Release | None) -> None:
    document = _document(model)
    validate(document)
    references = re.findall(r'"#/components/(\w+)/([^"]+)"', json.dumps(document))
    assert {name for kind, name in references if kind == "schemas"} == document["components"]["schemas"].keys()
    assert {name for kind, name in references if kind == "responses"} == document["components"]["responses"].keys()
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    operations = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(operations) == len(set(operations))


@pytest.mark.parametrize("model", [None, release()], ids=["before the first model", "with a model"])
def test_every_body_but_bytes_has_an_example_that_is_as_its_schema_says(model: Release | None) -> None:
    document = _document(model)
    seen = 0
    for where, media in _media(document):
        if media["schema"].get("format") == "binary":
            continue
        examples = [one["value"] for one in media.get("examples", {}).values()] or [media["example"]]
        validator = Draft202012Validator({**media["schema"], "components": document["components"]})
        for example in examples:
            assert [error.message for error in validator.iter_errors(example)] == [], where
            seen += 1
    assert seen > 50


def test_every_parameter_that_must_be_there_has_an_example_and_every_example_is_as_its_schema_says() -> None:
    for path, item in _document(None)["paths"].items():
        for operation in item.values():
            for one in operation.get("parameters", ()):
                assert "example" in one or not one.get("required"), path
                if "example" in one:
                    Draft202012Validator(one["schema"]).validate(one["example"])


def _document(model: Release | None) -> dict[str, Any]:
    """The description as a client reads it."""
    document: dict[str, Any] = json.loads(msgspec.json.encode(openapi.document("1", model)))
    return document


def _media(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every body that is described, and where."""
    described = [("components", {"responses": document["components"]["responses"]})]
    described += [(path, operation) for path, item in document["paths"].items() for operation in item.values()]
    for where, operation in described:
        for body in (operation.get("requestBody", {}), *operation["responses"].values()):
            for form, media in body.get("content", {}).items():
                yield f"{where} {form}", media
