"""A JSON body becomes clients as objects, or it is said which client and which column cannot be read."""

from __future__ import annotations

import re
import secrets
import string
from typing import Any, NoReturn

import msgspec

from handlers.clients import ClientsRefused
from handlers.clients import Fault as ClientFault
from handlers.domain.limits import RequestLimits
from server.problems import Fault, Kind, Problem
from server.request_limits import check_keys_of, check_table

NO_CLIENTS = "There are no clients in it: at least one is needed."
ONE_OF_TWO = 'Send either {"clients": [{column: value, ...}, ...]} or {"dataset_path": ...}.'
TOO_DEEP = "The body is nested too deeply."
NOT_A_NUMBER = "NaN and Infinity are no numbers of JSON: send null for what is not known."
BEYOND_RANGE = "The number is larger than a float of 64 bits can be."
UNREADABLE = "This is no value of JSON."
NOT_UTF8 = "A text is not in UTF-8."

_OFFSET = re.compile(r"\(byte (\d+)\)$")
_BEGUN = f"{string.ascii_letters}{string.digits}_-+.".encode()
_NO_NUMBER = re.compile(rb"[-+]?(?:NaN|Inf)", re.IGNORECASE)
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"(\s*+:)?|\Z)|([{\[])|[}\]]', re.DOTALL)
"""A text, also one that does not end, so that it is looked through once; or a bracket."""
_QUOTE = ord('"')
_DEPTH = 3
"""A client is an object in a list in an object."""


class PredictionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Clients as objects of column and value, or the path of a CSV inside the configured folders; one of the two."""

    clients: list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET
    dataset_path: str | msgspec.UnsetType = msgspec.UNSET


class _Rows(msgspec.Struct, forbid_unknown_fields=True):
    """The same, with the clients as they were sent."""

    clients: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    dataset_path: str | msgspec.UnsetType = msgspec.UNSET


class _Object(msgspec.Struct, gc=False):
    """Some object."""


class _Shape(msgspec.Struct, forbid_unknown_fields=True):
    """The same, of which nothing is kept."""

    clients: list[_Object] | msgspec.UnsetType = msgspec.UNSET
    dataset_path: str | msgspec.UnsetType = msgspec.UNSET


_whole = msgspec.json.Decoder(PredictionRequest)
_shape = msgspec.json.Decoder(_Shape)
_rows = msgspec.json.Decoder(_Rows)
_client = msgspec.json.Decoder(dict[str, Any])
_values = msgspec.json.Decoder(dict[str, msgspec.Raw])


def decode_request(content: bytes) -> PredictionRequest:
    """Read a small body, in one go. Raises Problem."""
    try:
        request = _whole.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return decode_by_rows(content)  # which says where it is wrong
    return _checked(request)


def decode_by_rows(content: bytes, limits: RequestLimits | None = None) -> PredictionRequest:
    """Read a body client by client: who decodes all of a large one at once holds up every other thread meanwhile.

    ``limits``: one whose keys are too many is refused before they are decoded. Raises Problem.
    """
    if limits is not None:
        _check_rows(content, limits)
    try:
        _shape.decode(content)  # what is no list of objects is refused at its first element
        rows = _rows.decode(content)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        raise Problem(Kind.WRONG_BODY, str(error), [Fault(place.strip("`") or "$", message)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        _refuse_unreadable(content, error)
    except RecursionError:
        raise Problem(Kind.MALFORMED, TOO_DEEP) from None
    if rows.clients is msgspec.UNSET:
        return _checked(PredictionRequest(dataset_path=rows.dataset_path))
    clients = [_decoded(row, piece, limits) for row, piece in enumerate(rows.clients)]
    return _checked(PredictionRequest(clients, rows.dataset_path))


def _checked(request: PredictionRequest) -> PredictionRequest:
    if (request.clients is msgspec.UNSET) == (request.dataset_path is msgspec.UNSET):
        raise Problem(Kind.WRONG_BODY, ONE_OF_TWO)
    if request.clients == []:
        raise Problem(Kind.WRONG_BODY, NO_CLIENTS, [Fault("clients", NO_CLIENTS)])
    return request


def _check_rows(content: bytes, limits: RequestLimits) -> None:
    """Refuse more clients than there may be, before there is an object for each."""
    if content.count(b"{") <= limits.max_rows:
        return
    rows = depth = 0
    for token in _TOKEN.finditer(content):
        if token[2]:
            depth += 1
            rows += depth == _DEPTH and token[2] == b"{"
            if rows > limits.max_rows:
                check_table(limits, rows=rows, columns=0)
        elif content[token.start()] != _QUOTE:
            depth -= 1


def _decoded(row: int, piece: msgspec.Raw, limits: RequestLimits | None) -> dict[str, Any]:
    if limits is not None and memoryview(piece).nbytes > limits.max_columns:
        text = bytes(piece)
        if text.count(b":") > limits.max_columns:  # most of them may stand in texts
            check_keys_of(limits, row, _keys(text))
    try:
        return _client.decode(piece)
    except msgspec.ValidationError as error:
        _refuse_value(row, piece, error)
    except UnicodeDecodeError:
        raise Problem(Kind.MALFORMED, f"Row {row}: {NOT_UTF8}", [Fault(f"row {row}", NOT_UTF8)]) from None
    except msgspec.DecodeError as error:
        raise Problem(Kind.MALFORMED, f"Row {row} is not JSON: {error}.", [Fault(f"row {row}", str(error))]) from None
    except RecursionError:
        raise Problem(Kind.MALFORMED, TOO_DEEP) from None


def _keys(text: bytes) -> int:
    """How many keys an object has, not counting those of objects inside."""
    keys = depth = 0
    for token in _TOKEN.finditer(text):
        if token[1]:
            keys += depth == 1
        elif token[2]:
            depth += 1
        elif text[token.start()] != _QUOTE:
            depth -= 1
    return keys


def _refuse_value(row: int, piece: msgspec.Raw, error: msgspec.ValidationError) -> NoReturn:
    """A client that is no object, or one with a number that is out of range."""
    message, _, place = str(error).partition(" - at `$")
    try:
        values = _values.decode(piece)
    except msgspec.ValidationError:
        values = {}
    for column, value in values.items():
        try:
            msgspec.json.decode(value)
        except msgspec.ValidationError:
            _refuse(Kind.WRONG_BODY, ClientFault(row, column, BEYOND_RANGE))
    place = f"$.clients[{row}]{place.rstrip('`')}"
    raise Problem(Kind.WRONG_BODY, f"{message} - at `{place}`", [Fault(place, message)])


def _refuse_unreadable(content: bytes, error: Exception) -> NoReturn:
    """Name the value at the byte that ``error`` names, where it is one of a client.

    What stands before that byte could be read. So with some value in that place, and an end, all of it can.
    """
    found = _OFFSET.search(str(error))
    before = b"" if found is None else content[: int(found[1])].rstrip(_BEGUN)
    mark = f'"{secrets.token_hex(16)}"'.encode()  # which no body has
    try:
        rows = _rows.decode(b"%b%b}]}" % (before, mark)).clients
        row, values = (len(rows) - 1, _values.decode(rows[-1])) if rows else (0, {})
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        row, values = 0, {}
    for column, value in values.items():
        if bytes(value) == mark:
            is_number = _NO_NUMBER.match(content, len(before)) is not None
            _refuse(Kind.MALFORMED, ClientFault(row, column, NOT_A_NUMBER if is_number else UNREADABLE))
    raise Problem(Kind.MALFORMED, f"The body is not JSON: {error}.")


def _refuse(kind: Kind, fault: ClientFault) -> NoReturn:
    refused = ClientsRefused([fault])
    raise Problem(kind, str(refused), [Fault(fault.location, fault.message)])
