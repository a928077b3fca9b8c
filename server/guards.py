"""Who may ask: a service without tokens on loopback must not be reached through somebody's browser."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp import HttpVersion10, HttpVersion11, web

from server.problems import CLOSE, Kind, Problem

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
    """Refuse a name that does not mean loopback: a page whose name was pointed at 127.0.0.1 sends its own name.

    Where a whole URL is asked for, its name counts, too; by RFC 9112 it does, and ``Host`` does not.
    """
    if not is_loopback(bound_to):
        return
    given = request.headers.get("Host")
    target = request.raw_path
    if (given is not None and not names_loopback(given)) or not (
        target.startswith("/") or is_loopback(_host_in(target) or "localhost")
    ):
        raise Problem(Kind.MISDIRECTED, "Ask for localhost or 127.0.0.1: the service is bound to loopback.")


def check_form(request: web.Request) -> None:
    """Refuse what can be parsed and is still nothing that we answer.

    That is CONNECT, a URL that is none of http, versions that the parser knows and we do not speak, a body that is
    coded otherwise than in chunks, and one in chunks from HTTP/1.0, which has none, so that a proxy before us may see
    it end elsewhere.
    """
    target = request.raw_path
    if not target.startswith("/") and target != "*" and (request.method == "CONNECT" or _host_in(target) is None):
        detail = "A path is expected in the request line, or a whole http address of this service."
        raise Problem(Kind.BAD_REQUEST, detail, headers=CLOSE)
    if request._message.chunked and request.headers.get("Transfer-Encoding", "").strip().lower() != "chunked":
        raise Problem(Kind.BAD_REQUEST, "The only Transfer-Encoding that is read is chunked.", headers=CLOSE)
    if request.version != HttpVersion11:
        if request.version != HttpVersion10:
            raise Problem(Kind.BAD_REQUEST, "Only HTTP/1.1 and HTTP/1.0 are spoken.", headers=CLOSE)
        if "Transfer-Encoding" in request.headers:
            raise Problem(Kind.BAD_REQUEST, "HTTP/1.0 has no Transfer-Encoding: send a Content-Length.", headers=CLOSE)


def _host_in(target: str) -> str | None:
    """The host in a whole URL of http; None where it is no such URL."""
    try:
        parts = urlsplit(target)
        return parts.hostname if parts.scheme in ("http", "https") and "@" not in parts.netloc else None
    except ValueError:
        return None


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
