"""How an operation is asked for with curl and in Python, as text that can be copied."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from markupsafe import Markup, escape

from server.description.reference import Body, Operation
from server.negotiation import ARROW, CSV, JSON

_FILES: Mapping[str, str] = MappingProxyType(
    {CSV: "clients.csv", ARROW: "clients.arrow", "application/gzip": "clients.csv.gz"}
)
_FILE = "clients.csv"
_CODE = re.compile(r"``?([^`]+)``?")


def curl(operation: Operation, url: str) -> list[str]:
    """A command for each content type that it takes, or the one."""
    address = shlex.quote(url + operation.asked)
    method = " -X POST" if operation.method == "POST" and not operation.takes else ""
    if not operation.takes:
        return [f"curl -s{method} {address}"]
    return [f"curl -s {address} \\\n  -H 'Content-Type: {body.form}' \\\n  {_data(body)}" for body in operation.takes]


def python(operation: Operation, url: str) -> str:
    """The same with the standard library, for the first content type."""
    address = json.dumps(url + operation.asked)
    lines = ["import json", "import urllib.request", ""]
    if operation.takes:
        body = operation.takes[0]
        if body.form == JSON:
            lines += [f"body = json.dumps({json.loads(body.example)!r}).encode()"]
        else:
            lines[1:1] = ["from pathlib import Path"]
            lines += [f'body = Path("{_FILES.get(body.form, _FILE)}").read_bytes()']
        headers = f'{{"Content-Type": "{body.form}"}}'
        lines += [f"request = urllib.request.Request({address}, data=body, headers={headers})"]
    elif operation.method != "GET":
        lines += [f'request = urllib.request.Request({address}, method="{operation.method}")']
    else:
        lines += [f"request = {address}"]
    read = "json.load(answer)" if _is_json(operation) else "answer.read().decode()"
    lines += ["with urllib.request.urlopen(request) as answer:", f"    print({read})"]
    if not _is_json(operation):
        lines.remove("import json")
    return "\n".join(lines)


def prose(text: str) -> Markup:
    """Plain text with its code marked: what stands in back quotes."""
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if number % 2 else escape(piece)
        for number, piece in enumerate(_CODE.split(text))
    )


def breakable(text: str) -> Markup:
    """A path or a content type that a narrow window may break after a slash or a dot."""
    return Markup("<wbr>").join(re.findall(r"[^/.]*[/.]+|[^/.]+", text))


def _data(body: Body) -> str:
    if body.form == JSON:
        return f"-d {shlex.quote(json.dumps(json.loads(body.example), ensure_ascii=False))}"
    return f"--data-binary @{_FILES.get(body.form, _FILE)}"


def _is_json(operation: Operation) -> bool:
    return any(body.form == JSON for body in operation.answers[0].bodies)


FILTERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {"curl": curl, "python": python, "prose": prose, "breakable": breakable}
)
