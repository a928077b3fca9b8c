"""``calls``: the list of the clients to call."""

from __future__ import annotations

from typing import Annotated

import msgspec


class CallsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``calls``: the list of the clients to call."""

    shown: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    """How many clients the first page shows, the highest risk first; ``/v1/calls`` answers all of them in pages."""
