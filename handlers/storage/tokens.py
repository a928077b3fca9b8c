"""The tokens file: names, roles and hashes, written by ``attritiond token``, read by the daemon."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from handlers.domain.files import FileStamp
from handlers.domain.roles import Role, Token, is_name
from handlers.storage.atomic import write_atomically

Decide = Callable[[tuple[Token, ...]], tuple[Token, ...]]

MODE = 0o600
_OTHERS = 0o077


class TokensError(Exception):
    """The file cannot be used; the message says which, why, and what to do."""


class NoTokensFile(TokensError):
    """There is none at all."""


@dataclass(frozen=True, slots=True)
class TokensFile:
    """What was read, and the stamp of what it was read from."""

    tokens: tuple[Token, ...]
    stamp: FileStamp


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    role: Role
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    made_at: str


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tokens: tuple[_Entry, ...]


def read(path: Path) -> TokensFile:
    """The tokens. Raises TokensError, NoTokensFile where there is no such file."""
    try:
        with open(path, "rb", opener=_open) as file:
            status = os.fstat(file.fileno())
            _require_private(path, status)
            content = file.read()
    except FileNotFoundError as error:
        raise NoTokensFile(
            f"{path}: there is no such file. Make it with `attritiond token add NAME --role admin`."
        ) from error
    except OSError as error:
        what = f"It has to be a file of the daemon's user: chown USER {path}"
        raise TokensError(f"{path}: it cannot be read: {error.strerror or error}. {what}.") from error
    return TokensFile(_decode(path, content), FileStamp.of(status))


def stamp(path: Path) -> FileStamp | None:
    """What tells that the file is another one than it was; None where there is none, or it cannot be looked at."""
    try:
        return FileStamp.of(path.stat())
    except OSError:
        return None


def change(path: Path, decide: Decide) -> tuple[Token, ...]:
    """Replace the tokens by what ``decide`` makes of them, and return them; two who change it wait for each other.

    A file that is not there yet is made, readable for its owner alone. What the superuser writes goes on belonging to
    whom it belonged to (a new file: to whom its folder belongs), or the daemon could not read it any more. Raises
    TokensError, and what ``decide`` raises; then nothing has changed.
    """
    path = Path(os.path.realpath(path))
    try:
        with _alone(path.parent):
            try:
                before = read(path).tokens
            except NoTokensFile:
                before = ()
            after = decide(before)
            write_atomically(path, _encode(after), mode=MODE, owner=_owner(path))
    except OSError as error:
        what = "Name a file in a folder that you may write to."
        raise TokensError(f"{path}: it cannot be written: {error.strerror or error}. {what}") from error
    return after


def _open(path: str, flags: int) -> int:
    """Without waiting: a pipe that stands there has nobody at its other end."""
    return os.open(path, flags | os.O_NONBLOCK)


def _require_private(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise TokensError(f"{path}: it is not a file. Name another one.")
    if status.st_mode & _OTHERS:
        why = f"others than its owner may read or change it (its mode is {stat.S_IMODE(status.st_mode):o})"
        raise TokensError(f"{path}: {why}. Let its owner alone: chmod 600 {path}.")


def _decode(path: Path, content: bytes) -> tuple[Token, ...]:
    try:
        document = msgspec.convert(json.loads(content.decode()), _Document, strict=True)
    except json.JSONDecodeError as error:
        raise _damaged(path, f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        key = place.strip("`").removeprefix("$").removeprefix(".")
        raise _damaged(path, f"{key or 'the whole'}: {message}") from error
    except (ValueError, RecursionError) as error:  # not UTF-8, a number of thousands of digits
        raise _damaged(path, "it is no JSON in UTF-8") from error
    names, hashes = (Counter(getattr(entry, key) for entry in document.tokens) for key in ("name", "sha256"))
    for number, entry in enumerate(document.tokens):
        if not is_name(entry.name):
            raise _damaged(path, f"tokens[{number}].name: it is no name of a token")
        if names[entry.name] > 1 or hashes[entry.sha256] > 1:
            raise _damaged(path, f"tokens[{number}]: its name or its sha256 is there more than once")
    return tuple(Token(entry.name, entry.role, entry.sha256, entry.made_at) for entry in document.tokens)


def _encode(tokens: tuple[Token, ...]) -> bytes:
    """One token a line, for people who look into it."""
    lines = [json.dumps(msgspec.to_builtins(token)) for token in tokens]
    return ('{"tokens": [\n' + ",\n".join(lines) + "\n]}\n").encode()


def _owner(path: Path) -> tuple[int, int] | None:
    if os.geteuid() != 0:
        return None
    status = (path if path.exists() else path.parent).stat()
    return status.st_uid, status.st_gid


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _damaged(path: Path, why: str) -> TokensError:
    what = "Correct it, or put it away and make the tokens anew with `attritiond token add`"
    return TokensError(f"{path}: {why}. {what}.")
