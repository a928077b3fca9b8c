"""``server``: where the API listens and what it accepts."""

from __future__ import annotations

from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1)]


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``server``: where the API listens and what it accepts."""

    host: str = "127.0.0.1"
    """The address to listen on. One that other machines reach needs ``server.tokens_file``."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8000
    """The TCP port; 0 takes any free one, which `daemon.ready` names."""
    tokens_file: Text | None = None
    """The file of the access tokens, made with ``attritiond token add``. Null: no tokens; who reaches the socket may do
    everything, so it is opened to this machine alone."""
    requests_per_second: Annotated[float, msgspec.Meta(gt=0)] | None = 1000.0
    """So often may each token be used in the long run; more is answered with 429. It keeps one caller's endless loop
    from taking the service from the others: who has more clients sends them in one request. Null: no limit. Without
    tokens there is none: all callers are this machine, and who runs programs on it can slow it down anyway."""
    requests_burst: Annotated[int, msgspec.Meta(ge=1)] = 2000
    """So many requests with a token may come at once after a pause: twice what comes in a second, so that a job of some
    hundred requests never meets the limit."""
    tls_certificate: Text | None = None
    """The PEM file of the server's certificate and its issuers', for HTTPS (TLS 1.2 or later). Null: plain HTTP."""
    tls_key: Text | None = None
    """The PEM file of the certificate's private key, without a password."""
    max_body_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 64 * 1024 * 1024
    """The largest request body in bytes; 64 MB hold about half a million clients as CSV."""
    slow_request_seconds: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    """A request that takes longer, in seconds, is always logged."""
