"""Who may do what: roles, the tokens that carry them, and how a token is known again."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

PREFIX = "attritiond_"
"""Of every token: who finds one in a file or a repository, a program that searches for secrets included, knows whose
it is."""
SECRET_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Role(StrEnum):
    """What a token allows. Each role allows what the ones before it allow."""

    READ = "read"
    """To read whatever the service knows, pages and counts included."""
    PREDICT = "predict"
    """Also to have clients scored and files checked: it costs the machine work, and changes nothing."""
    ADMIN = "admin"
    """Also to change what is served and what is learned from."""

    def covers(self, needed: Role) -> bool:
        """Whether who has this role may do what needs the other."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token: never the token itself. ``made_at``: ISO 8601, UTC. ``sha256``: of the whole token."""

    name: str
    role: Role
    sha256: str
    made_at: str


class TokenRefused(Exception):
    """A token cannot be added or revoked; the message says why and what to do."""


def digest_of(secret: str) -> str:
    """The hash by which a token is known again, 64 hexadecimal digits.

    A plain SHA-256 is right here: the token has 256 random bits, so nobody finds it by trying, however fast a trial
    is. A slow, salted hash protects what people make up, and would cost each request a fraction of a second.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def holder_of(secret: str, tokens: Iterable[Token]) -> Token | None:
    """The token that somebody has presented, or None.

    All are compared, each in constant time: how long it takes does not tell how near a guess was, nor which one fits.
    """
    digest = digest_of(secret)
    found = None
    for token in tokens:
        if hmac.compare_digest(token.sha256, digest):
            found = token
    return found


def is_name(name: str) -> bool:
    """Whether a token may have this name: it goes into logs and lists as it stands."""
    return _NAME.fullmatch(name) is not None


def with_token(tokens: tuple[Token, ...], new: Token) -> tuple[Token, ...]:
    """The tokens and one more. Raises TokenRefused where its name is taken."""
    if any(token.name == new.name for token in tokens):
        raise TokenRefused(
            f"There is a token {new.name} already. Take another name, or revoke that one first, which ends its use."
        )
    return (*tokens, new)


def without_token(tokens: tuple[Token, ...], name: str) -> tuple[Token, ...]:
    """The tokens but the one of this name. Raises TokenRefused where there is none."""
    left = tuple(token for token in tokens if token.name != name)
    if len(left) == len(tokens):
        known = ", ".join(token.name for token in tokens) or "none at all"
        raise TokenRefused(f"There is no token {name}. There are: {known}.")
    return left
