"""The JSON Schemas of the types that are decoded and encoded, their properties in the order in which they are written.

msgspec sorts the keys of a TypedDict by name; a person looks for what is most important first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_type_hints

import msgspec
from msgspec import inspect

REFERENCE = "#/components/schemas/{name}"


def schemas_of(types: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of each type by its repr, and what they refer to by name."""
    schemas, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    orders = {(name, frozenset(order)): order for name, order in _orders(inspect.multi_type_info(types))}
    for schema in components.values():
        properties = schema.get("properties", {})
        order = orders.get((schema.get("title", "").partition("[")[0], frozenset(properties)))
        if order is not None:
            schema["properties"] = {name: properties[name] for name in order}
    return dict(zip(map(repr, types), schemas, strict=True)), components


def _orders(node: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The keys of each TypedDict that a type is made of, with its name."""
    if isinstance(node, inspect.TypedDictType):
        # Of a generic one, say Page[FileItem], the class is what its origin is.
        found = getattr(node.cls, "__origin__", node.cls)
        yield found.__name__, tuple(get_type_hints(found))
    if isinstance(node, tuple | list):
        for one in node:
            yield from _orders(one)
    elif isinstance(node, inspect.Type | inspect.Field):
        for name in node.__struct_fields__:
            yield from _orders(getattr(node, name))
