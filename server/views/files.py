"""What would happen to a file, and taking a refused one again."""

from __future__ import annotations

import re

from aiohttp import web

from server import parameters
from server.body import read_body
from server.negotiation import CSV
from server.problems import Kind, Problem, wrong_parameter
from server.services import NotDone
from server.state import CHECKS, SERVICES
from server.views.answers import json_response

GZIP, BYTES = "application/gzip", "application/octet-stream"
TAKES = (CSV, GZIP, BYTES)
GZIP_MAGIC = b"\x1f\x8b"
LONGEST_NAME = 255
"""Bytes of UTF-8: what file systems allow."""
_SURROGATE = re.compile("[\ud800-\udfff]")
"""No URL in UTF-8 has one, and no JSON can."""
RETRY_AFTER_SECONDS = "5"


async def check(request: web.Request) -> web.Response:
    """The file is read by the rules for dropped files, in the process that ingests, and is not taken."""
    if request.content_type not in TAKES:
        raise Problem(Kind.UNSUPPORTED_TYPE, f"Send {CSV}, {GZIP} or {BYTES} as Content-Type.")
    given = _name(request)
    checks = request.app[CHECKS]
    if checks.locked():
        detail = "Other files are being checked; try again in a few seconds."
        raise Problem(Kind.BUSY, detail, headers={"Retry-After": RETRY_AFTER_SECONDS})
    async with checks:
        content = await _content(request)
        name = given or ("file.csv.gz" if content.startswith(GZIP_MAGIC) else "file.csv")
        try:
            return json_response(await request.app[SERVICES].check(name, content))
        except NotDone as error:
            raise _problem(error) from error


async def retry(request: web.Request) -> web.Response:
    """After a correction: 200 with its new record, or 202 with the old one while it still waits."""
    try:
        item, done = await request.app[SERVICES].retry(request.match_info["sha256"])
    except NotDone as error:
        raise _problem(error) from error
    return json_response(item, status=200 if done else 202)


async def _content(request: web.Request) -> bytes:
    detail = "The file is larger than server.max_body_bytes allows; `attritiond check --drop FILE` checks any file."
    return await read_body(request, too_large=detail)


def _name(request: web.Request) -> str | None:
    name = request.query.get("name")
    if name is None:
        return None
    plain = re.fullmatch(parameters.FILE_NAME, name) is not None and name not in (".", "..")
    if not plain or _SURROGATE.search(name) or len(name.encode()) > LONGEST_NAME:
        raise wrong_parameter("name", "The name of a file is expected, without a folder.")
    return name


def _problem(error: NotDone) -> Problem:
    if error.unknown:
        return Problem(Kind.NOT_FOUND, str(error))
    return Problem(Kind.UNAVAILABLE if error.unavailable else Kind.REFUSED, str(error))
