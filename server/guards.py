"""Who may ask: a service without tokens on loopback must not be reached through somebody's browser."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp import web

from server.problems import Kind, Problem

_HOST = re.compile(r"^(\[[0-9A-Fa-f:.]+\]|[^:\[\]@/\s]+)(:[0-9]{1,5})?$")
_READS = ("GET", "HEAD", "OPTIONS")


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether a name or address without a port means this machine itself."""
    bare = host.strip("[]").rstrip(".").lower()
    if bare == "localhost" or bare.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def check_host(request: web.Request, bound_to: str) -> None:
    """Refuse a name that does not mean loopback: a page whose name was pointed at 127.0.0.1 sends its own name."""
    given = request.headers.get("Host")
    if given is None or not is_loopback(bound_to):
        return
    if not names_loopback(given):
        raise Problem(Kind.MISDIRECTED, "Ask for localhost or 127.0.0.1: the service is bound to loopback.")


@lru_cache(maxsize=256)
def names_loopback(given: str) -> bool:
    """Whether a Host header is a name or an address of this machine itself."""
    match = _HOST.match(given)
    return match is not None and is_loopback(match[1])


def check_origin(request: web.Request) -> None:
    """Refuse to change or compute anything for a page of another site."""
    if request.method in _READS:
        return
    site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin")
    if site not in ("same-origin", "none") or (origin is not None and not _is_own(origin, request)):
        raise Problem(Kind.CROSS_SITE, "The request was sent by a page of another site.")


def _is_own(origin: str, request: web.Request) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == request.headers.get("Host", "").lower()
