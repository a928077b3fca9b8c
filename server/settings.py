"""``server``: where the API listens and what it accepts."""

from __future__ import annotations

from typing import Annotated

import msgspec


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``server``: where the API listens and what it accepts."""

    host: str = "127.0.0.1"
    """The address to listen on. Only loopback addresses are accepted: there are no access tokens in this version."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8000
    """The TCP port; 0 takes any free one, which `daemon.ready` names."""
    max_body_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 64 * 1024 * 1024
    """The largest request body in bytes; 64 MB hold about half a million clients as CSV."""
    slow_request_seconds: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    """A request that takes longer, in seconds, is always logged."""
