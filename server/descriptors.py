"""Open files: each connection is one, and the process may only have so many."""

from __future__ import annotations

import resource

RESERVED = 512
"""For everything else: the ledger, files that are read, pipes to the workers, refused connections that still read."""


def room_for(connections: int) -> int:
    """Allow the process enough open files, as far as it may itself; answers how many connections there is room for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + RESERVED
    if soft != resource.RLIM_INFINITY and soft < wanted:
        possible = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if possible > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))
        soft = possible
    if soft == resource.RLIM_INFINITY:
        return connections
    return max(1, min(connections, soft - RESERVED))
