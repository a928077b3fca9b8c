"""W3C Trace Context: which trace a request belongs to, and how its answer says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

#: What a later version appends is after a dash, and no business of ours.
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_INVALID, _OURS = "ff", "00"
#: Sampled, and that the trace id is random: a sender of version 00 has to leave out what it does not know.
_KNOWN_FLAGS = 0b11
#: Parent ids, of which 0 is none.
_IDS = 2**64 - 1


class Trace(NamedTuple):
    """Of a request: ``trace_id`` of 32 digits, and the ``flags`` that are passed on."""

    trace_id: str
    flags: int

    def header(self, number: int) -> str:
        """The ``traceparent`` of whoever has this number; numbers that follow each other have different ids."""
        return f"{_OURS}-{self.trace_id}-{number % _IDS + 1:016x}-{self.flags:02x}"


def trace_of(given: Sequence[str]) -> Trace | None:
    """The trace of these ``traceparent`` headers, or None: what is not valid, or there twice, is ignored."""
    matched = _FORM.fullmatch(given[0]) if len(given) == 1 else None
    if matched is None:
        return None
    version, trace_id, parent_id, flags, more = matched.groups()
    if version == _INVALID or (version == _OURS and more is not None):
        return None
    if not int(trace_id, 16) or not int(parent_id, 16):
        return None
    return Trace(trace_id, int(flags, 16) & _KNOWN_FLAGS)
