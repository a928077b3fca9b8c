"""``server``: where the API listens and what it accepts."""

from __future__ import annotations

from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


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
    max_rows: Annotated[int, msgspec.Meta(ge=1)] = 500_000
    """The most clients in one prediction. What a row costs does not depend on its bytes: an Arrow column of gaps has
    none."""
    max_columns: Annotated[int, msgspec.Meta(ge=1)] = 10_000
    """The most columns in one prediction, and keys in one client of JSON: as many as a dropped file may have."""
    max_header_bytes: Annotated[int, msgspec.Meta(ge=8192)] = 32 * 1024
    """The most bytes before a body: four times what browsers and proxies send, and what one connection may make the
    daemon keep before anybody knows who it is. The address and each header hold at most 8,190, and there are at most
    128 headers."""
    header_seconds: Seconds = 10.0
    """A connection that has not sent all headers of a request after so many seconds is closed: they are one packet.
    Over TLS it has as long before them for the handshake."""
    idle_seconds: Seconds = 75.0
    """A connection is closed when it has asked nothing for so many seconds. Longer than proxies keep theirs (60 is
    usual), so that it is they who close, and no request is sent into a connection that is just ending."""
    body_seconds: Seconds = 10.0
    """A body must have come after so many seconds, and one more for each ``minimum_bytes_per_second`` that came."""
    answer_seconds: Seconds = 10.0
    """A client must have taken an answer after so many seconds, and one more for each ``minimum_bytes_per_second`` that
    it took; else it is cut off, since the answer is kept in memory until then."""
    minimum_bytes_per_second: Annotated[int, msgspec.Meta(ge=1)] = 20_000
    """What the slowest honest client manages: a sixth of a megabit line. 64 MB come within an hour then."""
    linger_seconds: Seconds = 5.0
    """After the last answer on a connection, so long is waited until the client has read it and closed; one that is
    still sending would lose the answer otherwise."""
    max_connections: Annotated[int, msgspec.Meta(ge=1)] = 3000
    """The most connections at once; further ones are answered 503. Each is an open file, and 4,096 of those is what
    the smallest of usual machines allow a process."""
    max_connections_per_address: Annotated[int, msgspec.Meta(ge=1)] = 1000
    """The most connections at once from one address beyond this machine (of IPv6 the first 64 bits), so that a single
    sender cannot take them all. A reverse proxy on another machine is one address."""
    slow_request_seconds: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    """A request that takes longer, in seconds, is always logged."""
