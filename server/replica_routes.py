"""The routes of a replica: a few of the daemon's, and for all others the answer that they are the daemon's."""

from __future__ import annotations

from dataclasses import replace

from server.routes import ROUTES, Route
from server.views import replica

_SAME = ("/v1/prediction", "/livez", "/openapi.json")
_OWN = {"/v1/scoring": replica.scoring, "/readyz": replica.readyz, "/metrics": replica.metrics}


def _here(route: Route) -> Route:
    if route.path in _SAME:
        return route
    if route.path in _OWN:
        return replace(route, handler=_OWN[route.path])
    return replace(route, handler=replica.elsewhere, elsewhere=True)


REPLICA_ROUTES: tuple[Route, ...] = tuple(map(_here, ROUTES))
