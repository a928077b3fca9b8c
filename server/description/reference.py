"""An OpenAPI document in the order and the words of a page that people read."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

_SCHEMAS = "#/components/schemas/"
_WORDS: dict[str, str] = {"integer": "whole number", "string": "text", "boolean": "true or false", "array": "list"}
_LINE = 64
"""Characters of a list or an object that stands in one line of an example."""
_NEARLY_ALL = 0.8
"""The part of a method's operations."""
_METHODS = ("get", "post", "put", "delete")


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of a sentence; ``anchor``: the schema on the page that it leads to, or empty."""

    text: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter, a header or a property: its name, its type, and what is said of it."""

    name: str
    kind: tuple[Words, ...]
    required: bool = False
    where: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """A body by its content type; ``example`` is empty where it is binary."""

    form: str
    kind: tuple[Words, ...]
    example: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one status means, and what its body is."""

    status: str
    meaning: str
    bodies: tuple[Body, ...]

    @property
    def colour(self) -> str:
        """How its badge is coloured."""
        return {"2": "good", "4": "warn", "5": "bad"}.get(self.status[:1], "plain")


@dataclass(frozen=True, slots=True)
class Operation:
    """A method at an address; ``also``: the other address at which the same is answered, or empty."""

    method: str
    path: str
    anchor: str
    summary: str
    description: str
    parameters: tuple[Row, ...]
    takes: tuple[Body, ...]
    answers: tuple[Answer, ...]
    asked: str
    """The path with an example for each of its parameters."""
    also: str = ""

    @property
    def example(self) -> Body | None:
        """What it answers when all is well, as text."""
        bodies = self.answers[0].bodies
        return next((body for body in bodies if body.example), None)


@dataclass(frozen=True, slots=True)
class Named:
    """A schema: its properties, of which an object has those of one of the ``alternatives``; ``kind``: of what is no
    object with properties."""

    name: str
    anchor: str
    description: str
    kind: tuple[Words, ...]
    alternatives: tuple[tuple[Row, ...], ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """The page: operations by heading, and the schemas that they refer to."""

    title: str
    version: str
    about: tuple[str, ...]
    headings: Mapping[str, list[Operation]]
    shared: tuple[Answer, ...]
    """What nearly every operation may answer."""
    schemas: tuple[Named, ...]


def reference(document: Mapping[str, Any]) -> Reference:
    """What the page shows of an OpenAPI document."""
    components = document["components"]
    headings: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    shared = _shared(document)
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item and not _is_alias(document, path):
                operation = _operation(document, path, method, shared)
                headings[item[method]["tags"][0]].append(operation)
    return Reference(
        title=document["info"]["title"],
        version=document["info"]["version"],
        about=tuple(document["info"]["description"].split("\n\n")),
        headings={name: operations for name, operations in headings.items() if operations},
        shared=tuple(_answers(document, {name: {"$ref": name} for name in sorted(shared)})),
        schemas=tuple(_named(components["schemas"], name) for name in sorted(components["schemas"])),
    )


def _shared(document: Mapping[str, Any]) -> frozenset[str]:
    """References to the responses that nearly all operations of a method have."""
    shared: set[str] = set()
    for method in _METHODS:
        operations = [item[method] for item in document["paths"].values() if method in item]
        referred = Counter(one.get("$ref", "") for each in operations for one in each["responses"].values())
        shared |= {reference for reference, count in referred.items() if count >= _NEARLY_ALL * len(operations)}
    return frozenset(shared - {""})


def _is_alias(document: Mapping[str, Any], path: str) -> bool:
    return f"/v1{path}" in document["paths"]


def _operation(document: Mapping[str, Any], path: str, method: str, shared: Container[str]) -> Operation:
    operation = document["paths"][path][method]
    schemas = document["components"]["schemas"]
    parameters = operation.get("parameters", ())
    own = {status: one for status, one in operation["responses"].items() if one.get("$ref") not in shared}
    bare = path.removeprefix("/v1")
    return Operation(
        method=method.upper(),
        path=path,
        anchor=operation["operationId"],
        summary=operation["summary"],
        description=operation["description"],
        parameters=tuple(_parameter(schemas, one) for one in parameters),
        takes=tuple(_bodies(schemas, operation.get("requestBody", {}).get("content", {}))),
        answers=tuple(_answers(document, own)),
        asked=_asked(path, parameters),
        also=bare if bare != path and bare in document["paths"] else "",
    )


def _asked(path: str, parameters: list[Mapping[str, Any]]) -> str:
    query = []
    for one in parameters:
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", str(one["example"]))
        elif "example" in one:
            query.append(f"{one['name']}={one['example']}")
    return path + (f"?{'&'.join(query)}" if query else "")


def _parameter(schemas: Schema, one: Mapping[str, Any]) -> Row:
    said = one.get("description", "")
    return Row(
        one["name"],
        tuple(_kind(schemas, one["schema"])),
        required=bool(one.get("required")),
        where=one["in"],
        notes=" ".join(filter(None, (said, _bounds(one["schema"])))),
    )


def _answers(document: Mapping[str, Any], responses: Mapping[str, Any]) -> Iterator[Answer]:
    for status, response in sorted(responses.items()):
        if "$ref" in response:
            yield _problem(document["components"]["responses"][response["$ref"].rpartition("/")[2]])
        else:
            bodies = _bodies(document["components"]["schemas"], response.get("content", {}))
            yield Answer(status, response["description"], tuple(bodies))


def _problem(response: Mapping[str, Any]) -> Answer:
    """A problem; that its body is one is said once, above all."""
    ((_, media),) = response["content"].items()
    (status,) = {str(one["value"]["status"]) for one in media["examples"].values()}
    return Answer(status, response["description"], ())


def _bodies(schemas: Schema, content: Mapping[str, Any]) -> Iterator[Body]:
    for form, media in content.items():
        given = media.get("example")
        if given is None and "examples" in media:
            given = next(iter(media["examples"].values()))["value"]
        yield Body(form, tuple(_kind(schemas, media["schema"])), _text(given))


def _text(example: Any) -> str:
    if example is None:
        return ""
    if isinstance(example, str):
        return example
    text = json.dumps(example, indent=2, ensure_ascii=False)
    return _shortened(_shortened(text))


def _shortened(text: str) -> str:
    """Put the innermost lists and objects into one line where they fit into it."""

    def one_line(found: re.Match[str]) -> str:
        inner = re.sub(r"\s*\n\s*", " ", found[2].strip())
        return f"{found[1]}{inner}{found[3]}" if len(inner) <= _LINE else found[0]

    return re.sub(r"([\[{])\n([^\[\]{}]*(?:\[[^\[\]{}\n]*\][^\[\]{}]*)*)([\]}])", one_line, text)


def _named(schemas: Schema, name: str) -> Named:
    schema = schemas[name]
    alternatives = tuple(tuple(_properties(schemas, one)) for one in schema.get("oneOf", [schema]))
    kind = () if any(alternatives) else tuple(_kind(schemas, schema))
    return Named(schema.get("title", name), name, schema.get("description", ""), kind, alternatives)


def _properties(schemas: Schema, schema: Schema) -> Iterator[Row]:
    free = "anyOf" in schema  # such as a client, of whose columns one is enough
    for name, one in schema.get("properties", {}).items():
        notes = " ".join(filter(None, (one.get("description", ""), _bounds(one))))
        yield Row(name, tuple(_kind(schemas, one)), free or name in schema.get("required", ()), notes=notes)


def _kind(schemas: Schema, schema: Schema) -> Iterator[Words]:
    """The type of a value, as people say it: list of FileItem; text or null."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_SCHEMAS)
        yield Words(schemas[name].get("title", name), name)
    elif "enum" in schema:
        yield Words(", ".join(json.dumps(value) for value in schema["enum"]))
    elif "anyOf" in schema:
        for number, one in enumerate(schema["anyOf"]):
            if number:
                yield Words(" or ")
            yield from _kind(schemas, one)
    else:
        yield from _plain(schemas, schema)


def _plain(schemas: Schema, schema: Schema) -> Iterator[Words]:
    kind: Any = schema.get("type", "any value")
    if isinstance(kind, list):
        yield Words(" or ".join(_WORDS.get(str(one), str(one)) for one in kind))
    elif schema.get("format") == "binary":
        yield Words("bytes")
    elif kind == "array" and "items" in schema:
        yield Words("list of ")
        yield from _kind(schemas, schema["items"])
    elif kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        yield Words("by name: ")
        yield from _kind(schemas, schema["additionalProperties"])
    else:
        yield Words(_WORDS.get(kind, kind))


def _bounds(schema: Schema) -> str:
    """What else a value is held to."""
    said = []
    if "minimum" in schema:
        said.append(
            f"{schema['minimum']} to {schema['maximum']}." if "maximum" in schema else f"From {schema['minimum']}."
        )
    if "default" in schema:
        said.append(f"{schema['default']} if not given.")
    return " ".join(said)
