"""How columns travel to the process that holds a fitted pipeline, and log-odds back: lengths and MessagePack.

Numbers go as their bytes, texts as lists; nothing that comes through the socket is ever unpickled.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from pathlib import Path

import msgspec
import numpy as np

from daemon import local_sockets
from handlers.domain.axes import Columns, Floats
from handlers.domain.scorer import EstimatorFailed, NotAnswering, Opener, Say

ROWS_AT_ONCE = 5_000
"""Of a large table so many rows are asked for at once, so that a single client does not wait for all of it."""
ANSWER_SECONDS = 60.0
"""Without an answer to one block of rows for so long, the process is taken for hung."""
PATIENCE_SECONDS = 30.0
"""So long a file waits for a process that is being started again."""
_PAUSE_SECONDS = 0.1
_LENGTH = struct.Struct(">Q")


class Answer(msgspec.Struct, omit_defaults=True):
    """float64 log-odds as bytes, or why there are none."""

    log_odds: bytes = b""
    failed: str | None = None


def path_of(folder: Path, version: int) -> Path:
    """The socket of the process that holds a release."""
    return folder / f"pipeline-{version}.sock"


def sweep(folder: Path) -> None:
    """Remove the sockets that a killed daemon left."""
    for left in folder.glob("pipeline-*.sock"):
        left.unlink(missing_ok=True)


# -- who asks -------------------------------------------------------------------------------------------------------


def remote(folder: Path, *, patience: float = 0.0) -> Opener:
    """Ask the processes whose sockets lie in a folder. One that is not there is waited for, ``patience`` seconds."""
    return Opener(lambda version, model: _Client(path_of(folder, version), version, patience).say)


class _Client:
    """Connections to one process, kept for the next question. Safe to share by threads."""

    def __init__(self, path: Path, version: int, patience: float) -> None:
        self._path = path
        self._version = version
        self._patience = patience
        self._idle: list[socket.socket] = []

    def __del__(self) -> None:
        for connection in self._idle:
            connection.close()

    def say(self, columns: Columns) -> Floats:
        """Give the log-odds of the rows. Raises NotAnswering and EstimatorFailed."""
        rows = len(next(iter(columns.values())))
        blocks = [
            self._block({name: values[start : start + ROWS_AT_ONCE] for name, values in columns.items()})
            for start in range(0, rows, ROWS_AT_ONCE)
        ]
        return np.concatenate(blocks) if blocks else np.empty(0)

    def _block(self, columns: Columns) -> Floats:
        plain = {name: _plain(values) for name, values in columns.items()}
        answer = msgspec.msgpack.decode(self._asked(msgspec.msgpack.encode(plain)), type=Answer)
        if answer.failed is not None:
            raise EstimatorFailed(answer.failed)
        return np.frombuffer(answer.log_odds, dtype=np.float64)

    def _asked(self, question: bytes) -> bytes:
        until = time.monotonic() + self._patience
        while True:
            try:
                return self._exchange(question)
            except (OSError, EOFError) as error:
                if time.monotonic() >= until or isinstance(error, TimeoutError):
                    why = "does not answer" if isinstance(error, TimeoutError) else "is not there"
                    raise NotAnswering(f"the process that holds model {self._version} {why}") from error
            time.sleep(_PAUSE_SECONDS)

    def _exchange(self, question: bytes) -> bytes:
        """Over a connection that is there, if its process still is; else over a new one."""
        while self._idle:
            with contextlib.suppress(OSError, EOFError, IndexError):
                return self._over(self._idle.pop(), question)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(ANSWER_SECONDS)
            with local_sockets.address(self._path) as where:
                connection.connect(where)
        except OSError:
            connection.close()
            raise
        return self._over(connection, question)

    def _over(self, connection: socket.socket, question: bytes) -> bytes:
        try:
            send(connection, question)
            answer = receive(connection)
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return answer


def _plain(values: np.ndarray) -> bytes | list[str | None]:
    if values.dtype == object:
        texts: list[str | None] = values.tolist()
        return texts
    return np.ascontiguousarray(values, dtype=np.float64).tobytes()


# -- who answers ----------------------------------------------------------------------------------------------------


def serve(path: Path, say: Say) -> None:
    """Answer at this path, in threads that end with the process; one question is worked on at a time."""
    listening = local_sockets.bound(path)
    listening.listen()
    turn = threading.Lock()

    def accept() -> None:
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=_converse, args=(connection, say, turn), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def _converse(connection: socket.socket, say: Say, turn: threading.Lock) -> None:
    with connection, contextlib.suppress(OSError, EOFError):
        while True:
            question = receive(connection)
            with turn:
                answer = _answer(question, say)
            send(connection, msgspec.msgpack.encode(answer))


def _answer(question: bytes, say: Say) -> Answer:
    try:
        plain = msgspec.msgpack.decode(question, type=dict[str, bytes | list[str | None]])
        return Answer(log_odds=say({name: _column(values) for name, values in plain.items()}).tobytes())
    except EstimatorFailed as error:
        return Answer(failed=str(error))
    except Exception as error:  # whatever a user's class does, who asks gets an answer
        return Answer(failed=f"it raised {type(error).__name__}")


def _column(values: bytes | list[str | None]) -> np.ndarray:
    if isinstance(values, bytes):
        return np.frombuffer(values, dtype=np.float64)
    return np.array(values, dtype=object)


# -- both -----------------------------------------------------------------------------------------------------------


def send(connection: socket.socket, message: bytes) -> None:
    """Send a message with its length before it."""
    connection.sendall(_LENGTH.pack(len(message)) + message)


def receive(connection: socket.socket) -> bytes:
    """Receive one. Raises EOFError where the other side has gone."""
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
    return _exactly(connection, length)


def _exactly(connection: socket.socket, length: int) -> bytes:
    received = bytearray(length)
    there = memoryview(received)
    while there:
        count = connection.recv_into(there)
        if not count:
            raise EOFError
        there = there[count:]
    return bytes(received)
