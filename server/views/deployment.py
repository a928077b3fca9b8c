"""Deploying another release, and going back."""

from __future__ import annotations

from aiohttp import web

from server import parameters
from server.problems import Kind, Problem
from server.services import DeploymentRefused
from server.state import SERVICES
from server.views.answers import json_response


async def deploy(request: web.Request) -> web.Response:
    """Every answer after this one is given by that release."""
    version = parameters.version(request)
    if version is None:
        raise Problem(Kind.NOT_FOUND, "There is no such release; /v1/models lists those there are.")
    return await _deploy(request, version)


async def rollback(request: web.Request) -> web.Response:
    """The release before the current one becomes the current one."""
    return await _deploy(request, None)


async def _deploy(request: web.Request, version: int | None) -> web.Response:
    try:
        current = await request.app[SERVICES].deploy(version)
    except DeploymentRefused as error:
        raise Problem(Kind.NOT_FOUND if error.unknown else Kind.REFUSED, str(error)) from error
    return json_response({"model_version": current})
