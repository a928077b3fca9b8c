"""Who asks, and may he? Decided from the request's head, before its body is read."""

from __future__ import annotations

import base64
import binascii
import math
import time
from collections.abc import Callable, Mapping

from aiohttp import web

from handlers.domain import rate_limit
from handlers.domain.rate_limit import Bucket, RateLimit
from handlers.domain.roles import Role, Token, holder_of
from server.problems import Kind, Problem

CHALLENGES = ('Bearer realm="attritiond"', 'Basic realm="attritiond", charset="UTF-8"')
"""Both forms that a token may come in: browsers cannot be made to send the first."""
HOW = "Send a token as Authorization: Bearer TOKEN; a browser sends it as the password of any user name."
TOKEN = web.RequestKey("token", Token)


class Unauthorised(Problem):
    """No token, or none that is known here."""

    def __init__(self, detail: str) -> None:
        super().__init__(Kind.UNAUTHORISED, detail)

    def response(self) -> web.Response:
        """The answer, each way to authenticate in a line of its own, as browsers want it."""
        response = super().response()
        for challenge in CHALLENGES:
            response.headers.add("WWW-Authenticate", challenge)
        return response


class Keyring:
    """The tokens that are known now, and how often each has been used. ``limit`` None: as often as one likes."""

    def __init__(
        self,
        tokens: tuple[Token, ...] = (),
        limit: RateLimit | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tokens = tokens
        self._limit = limit
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def replace(self, tokens: tuple[Token, ...]) -> None:
        """Know these tokens and no others from now on."""
        self._tokens = tokens
        known = {token.sha256 for token in tokens}
        self._buckets = {sha256: bucket for sha256, bucket in self._buckets.items() if sha256 in known}

    def holder(self, secret: str) -> Token | None:
        """The token that was presented, or None where it is not one of ours."""
        return holder_of(secret, self._tokens)

    def too_early(self, token: Token) -> float:
        """Count a request, and answer by how many seconds it comes too early; 0 if it may be answered."""
        if self._limit is None:
            return 0.0
        now = self._clock()
        bucket = self._buckets.get(token.sha256) or rate_limit.full(self._limit, now)
        self._buckets[token.sha256], early = rate_limit.ask(bucket, self._limit, now)
        return early


class Door:
    """``keyring`` None: there are no tokens, and whoever reaches the socket may do everything.

    ``needs``: the role for each route of the application, None where nobody is asked. What is not in it, an address
    that does not exist included, needs the role *read*: strangers are not told what there is.
    """

    def __init__(self, keyring: Keyring | None, needs: Mapping[web.AbstractRoute, Role | None]) -> None:
        self.keyring = keyring
        self._needs = needs

    def authorise(self, request: web.Request) -> None:
        """Let the request in, or raise Problem: 401, 403 or 429."""
        if self.keyring is None:
            return
        needed = self._needs.get(request.match_info.route, Role.READ)
        secret = presented(request)
        token = None if secret is None else self.keyring.holder(secret)
        if token is not None:
            request[TOKEN] = token
        if needed is None:
            return
        if token is None:
            raise Unauthorised(HOW if secret is None else "The token is not known here: it was revoked, or never made.")
        early = self.keyring.too_early(token)
        if early > 0:
            detail = f"{token.name} asks more often than server.requests_per_second allows: send more clients in one."
            raise Problem(Kind.TOO_OFTEN, detail, headers={"Retry-After": str(math.ceil(early))})
        if not token.role.covers(needed):
            detail = (
                f"{token.name} has the role {token.role}; here {needed} is needed. `attritiond token add` makes one."
            )
            raise Problem(Kind.FORBIDDEN, detail)

    def is_known(self, request: web.Request) -> bool:
        """Whether the one who asks is no stranger, where strangers are answered too."""
        return self.keyring is None or TOKEN in request


def presented(request: web.Request) -> str | None:
    """The token in the request's head, or None where there is none that can be understood."""
    given = request.headers.getall("Authorization", [])
    if len(given) != 1:
        return None
    scheme, _, credentials = given[0].strip().partition(" ")
    credentials = credentials.strip()
    if scheme.lower() == "bearer":
        return credentials or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[2] or None
        except (binascii.Error, ValueError):
            return None
    return None
