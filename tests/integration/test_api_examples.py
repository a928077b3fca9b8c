"""Every example of docs/api.md is run as it stands, and answered in the shape that is printed below it."""

from __future__ import annotations

import asyncio
import gzip
import html
import io
import json
import re
import shlex
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pyarrow as pa
import pyarrow.ipc
import pytest
import pytest_asyncio

from tests.integration.lived_in_shop import HEADER, lived_in, month, served
from tests.workshop import csv_text

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
PRINTED_URL = "http://127.0.0.1:8000"
SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Example:
    """What is asked for, in which language, and what is printed as its answer."""

    line: int
    language: str
    code: str
    form: str
    answer: str

    @property
    def id(self) -> str:
        return f"line {self.line}"


def _examples() -> list[Example]:
    blocks = [
        (TEXT.count("\n", 0, found.start()) + 1, found[1], found[2])
        for found in re.finditer(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    ]
    assert [language for _, language, _ in blocks[::2] if language not in ("sh", "python")] == []
    assert [language for _, language, _ in blocks[1::2] if language not in ("json", "text")] == []
    pairs = zip(blocks[::2], blocks[1::2], strict=True)
    return [Example(line, language, code, form, answer) for (line, language, code), (_, form, answer) in pairs]


EXAMPLES = _examples()


@dataclass(frozen=True, slots=True)
class Site:
    """Where it is asked, in which folder, and the beginning of the hash of a file that was refused."""

    url: str
    folder: Path
    refused: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    shop = lived_in(tmp_path_factory.mktemp("shop"))
    refused = (shop.file("broken.csv").sha256 or "")[:8]
    folder = tmp_path_factory.mktemp("client")
    rows = [("abcd", 3, "monthly", 4), ("ef", 12, "yearly", 20)]
    (folder / "clients.csv").write_text(csv_text(rows, HEADER[1:5]))
    (folder / "clients.csv.gz").write_bytes(gzip.compress((folder / "clients.csv").read_bytes()))
    (folder / "clients.arrow").write_bytes(_arrow(rows))
    wrong = ("2026-12", "x", "n.n.", "monthly", 1, 0)
    (folder / "july.csv").write_text(csv_text([*month(12, 10), wrong], HEADER).replace(",", ";"))
    async with served(shop) as url:
        yield Site(url, folder, refused)


def _arrow(rows: list[tuple[object, ...]]) -> bytes:
    table = pa.Table.from_pylist([dict(zip(HEADER[1:5], row, strict=True)) for row in rows])
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


async def test_every_example_is_answered_in_the_shape_that_is_printed(site: Site) -> None:
    """All in their order: a deployment changes what the ones below it are told."""
    for example in EXAMPLES:
        code = example.code.replace(PRINTED_URL, site.url).replace("9f86d081", site.refused)
        if example.language == "python":
            said = await _run(site.folder, sys.executable, "-c", code)
        elif shutil.which("curl"):
            said = await _run(site.folder, "sh", "-c", code)
        else:
            said = await _ask(site.folder, code)
        if example.form == "json":
            difference = _difference(json.loads(example.answer), json.loads(said), "$")
            assert difference == "", f"docs/api.md, {example.id}: {difference}"
        else:
            for line in example.answer.splitlines():
                assert _masked(line) in _masked(said), f"docs/api.md, {example.id}: {line}"


async def test_what_stands_in_for_curl_asks_as_curl_does(site: Site) -> None:
    commands = [one.code.replace(PRINTED_URL, site.url) for one in EXAMPLES if "/v1/prediction" in one.code]
    commands = [one for one in commands if one.startswith("curl")]
    assert len(commands) >= 3
    assert all("probab" in said for said in [await _ask(site.folder, one) for one in commands[1:]])


async def test_what_the_page_offers_to_copy_works(site: Site) -> None:
    """But for a file that was refused: nobody could guess which."""
    page = await _ask(site.folder, f"curl -s {site.url}/docs")
    blocks = [html.unescape(block) for block in re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page, re.DOTALL)]
    commands = [block for block in blocks if block.startswith("curl ") and "retry" not in block]
    scripts = [block for block in blocks if "import urllib.request" in block and "retry" not in block]
    assert len(commands) > 20
    assert len(scripts) > 10
    for command in commands:
        said = await _ask(site.folder, command)
        assert not said.startswith('{"type":"urn:attritiond:problem'), command
    await _run(site.folder, sys.executable, "-c", "\n".join(scripts))


async def _run(folder: Path, *command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(SECONDS):
        out, error = await process.communicate()
    assert process.returncode == 0, f"{command}: {error.decode()[-2000:]}"
    return out.decode()


async def _ask(folder: Path, command: str) -> str:
    """Do what curl would do, with the options that the documentation uses."""
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:2] == ["curl", "-s"]
    method, url, headers, body = "", "", {}, None
    rest = iter(words[2:])
    for word in rest:
        match word:
            case "-X":
                method = next(rest)
            case "-H":
                name, _, value = next(rest).partition(":")
                headers[name] = value.strip()
            case "-d":
                body = next(rest).encode()
            case "--data-binary":
                body = (folder / next(rest).removeprefix("@")).read_bytes()
            case _:
                assert not word.startswith("-"), f"curl {word} is not known here"
                url = word
    method = method or ("GET" if body is None else "POST")
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, data=body, headers=headers) as response,
    ):
        return (await response.read()).decode("utf-8", "replace")


def _difference(printed: Any, said: Any, where: str) -> str:
    """What is printed and was not said, or is of another type; empty where the shape is the same.

    The documentation leaves out what there is much of, so that more may be said than is printed. What is null on one
    side may be anything on the other, and what a reason's value is depends on its column.
    """
    pairs: list[tuple[Any, Any, str]] = []
    if printed is None or said is None or where.endswith((".values", ".problems")):
        return ""
    if _kind(printed) != _kind(said):
        return f"{where} is {said!r:.100}, not like {printed!r:.100}"
    if isinstance(printed, dict):
        missing = printed.keys() - said.keys()
        if missing:
            return f"{where} has no {', '.join(sorted(missing))}"
        pairs = [(value, said[name], f"{where}.{name}") for name, value in printed.items()]
    elif isinstance(printed, list):
        if printed and not said:
            return f"{where} is empty"
        pairs = [(one, said[min(at, len(said) - 1)], f"{where}[{at}]") for at, one in enumerate(printed)]
    return next(filter(None, (_difference(*pair) for pair in pairs)), "")


def _kind(value: object) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _masked(text: str) -> str:
    """Numbers and names of clients differ."""
    return re.sub(r"\d+(?:\.\d+)?", "0", re.sub(r"\b(?:back|m\d+-\d+)\b", "client", text))
