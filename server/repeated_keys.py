"""A key that stands twice in a JSON object: a decoder keeps one of its values, and nobody knows which is meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from json import JSONDecoder
from typing import Any

import msgspec

from handlers.clients import SHOWN_FAULTS, ClientsRefused
from handlers.clients import Fault as ClientFault
from server.problems import Fault, Kind, Problem

TWICE = "The key stands more than once in this object: which of its values is meant cannot be known."
Client = Mapping[str, Any]


class _Pieces(msgspec.Struct):
    """A body whose values are left as they were sent."""

    clients: list[msgspec.Raw] = []
    dataset_path: msgspec.Raw = msgspec.Raw()


_pieces = msgspec.json.Decoder(_Pieces)
_encode = msgspec.json.Encoder().encode
# Numbers stay text: Python refuses to read thousands of digits, which are no concern of ours.
_pairs = JSONDecoder(object_pairs_hook=lambda pairs: pairs, parse_int=str, parse_float=str)


def check_keys(content: bytes, clients: Sequence[Client]) -> None:
    """Refuse a body in which a key stands twice, in itself or in one of the clients that it was decoded to.

    Raises Problem. Each key has its colon: where there are no more colons than keys that were kept, none was dropped.
    Of most bodies that is all there is to find out.
    """
    try:
        if not surely_all(content, clients, more=1):
            _check_pieces(content, clients)
    except RecursionError as error:
        raise Problem(Kind.MALFORMED, "The body is nested too deeply.") from error


def surely_all(content: bytes, clients: Sequence[Client], *, more: int = 0) -> bool:
    """Whether no key was dropped when these clients were decoded, as far as can be told without decoding them again.

    ``more``: keys in ``content`` that are none of the clients'. Raises RecursionError.
    """
    colons = content.count(b":") - more
    if colons == (len(clients[0]) if len(clients) == 1 else sum(map(len, clients))):
        return True
    # Written anew, everything but a dropped key has as many colons, unless one was sent as \u003a.
    return b"\\u003" not in content and colons == sum(_encode(one).count(b":") for one in clients)


def _check_pieces(content: bytes, clients: Sequence[Client]) -> None:
    found = _pieces.decode(content)
    pieces = [bytes(piece) for piece in found.clients]
    inside = sum(piece.count(b":") for piece in (*pieces, bytes(found.dataset_path)))
    if content.count(b":") - inside != 1:
        raise Problem(Kind.WRONG_BODY, TWICE, [Fault("clients" if clients else "dataset_path", TWICE)])
    faults = list(islice(_faults(pieces, clients), SHOWN_FAULTS))
    if faults:
        refused = ClientsRefused(faults)
        errors = [Fault(fault.location, fault.message) for fault in refused.faults]
        raise Problem(Kind.WRONG_BODY, str(refused), errors)


def _faults(pieces: Sequence[bytes], clients: Sequence[Client]) -> Iterator[ClientFault]:
    for row, (piece, client) in enumerate(zip(pieces, clients, strict=True)):
        if piece.count(b":") != len(client):
            given = Counter(key for key, _ in _pairs.decode(piece.decode()))
            yield from (ClientFault(row, key, TWICE) for key, times in given.items() if times > 1)
