"""Tokens and certificate are taken anew when their files change; what cannot be used changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from daemon import doors as module
from daemon.configuration import ConfigurationError
from daemon.doors import Doors
from handlers.domain.roles import Role, Token, digest_of, with_token
from handlers.storage import tokens
from server.auth import Keyring
from server.settings import ServerSettings
from tests.certificates import write_pair

AT = "2026-07-01T06:00:00.123Z"
SETTINGS = ServerSettings(tokens_file="tokens.json")
Told = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Told:
    told: Told = []
    monkeypatch.setattr(module.log, "emit", lambda event, **fields: told.append((event, fields)))
    return told


def _add(folder: Path, name: str) -> None:
    token = Token(name, Role.READ, digest_of(name), AT)
    tokens.change(folder / "tokens.json", lambda known: with_token(known, token))


def _known(doors: Doors, *names: str) -> list[str]:
    assert isinstance(doors.keyring, Keyring)
    return [name for name in names if doors.keyring.holder(name) is not None]


def _doors(folder: Path) -> Doors:
    _add(folder, "one")
    return Doors(SETTINGS, folder)


def test_without_a_tokens_file_there_are_no_tokens_and_plain_http(tmp_path: Path, events: Told) -> None:
    doors = Doors(ServerSettings(), tmp_path)
    doors.reload()
    assert (doors.keyring, doors.tls, events) == (None, None, [])


def test_the_tokens_of_the_file_are_known_from_the_beginning(tmp_path: Path) -> None:
    assert _known(_doors(tmp_path), "one", "two") == ["one"]


def test_everything_that_is_wrong_with_the_files_is_told_at_once(tmp_path: Path) -> None:
    settings = ServerSettings(tokens_file="tokens.json", tls_certificate="server.pem", tls_key="server.key")
    with pytest.raises(ConfigurationError) as refused:
        Doors(settings, tmp_path)
    tokens_file, certificate = refused.value.problems
    assert tokens_file.startswith(f"server.tokens_file: {tmp_path / 'tokens.json'}: there is no such file.")
    assert certificate == f"server.tls_certificate: {tmp_path / 'server.pem'}: there is no such file."


def test_a_reload_takes_the_tokens_as_they_are_now(tmp_path: Path, events: Told) -> None:
    doors = _doors(tmp_path)
    _add(tmp_path, "two")
    doors.reload()
    assert _known(doors, "one", "two") == ["one", "two"]
    assert events == [("tokens.reloaded", {"accepted": True, "tokens": 2})]


def test_a_damaged_file_is_refused_and_the_tokens_before_it_stay(tmp_path: Path, events: Told) -> None:
    doors = _doors(tmp_path)
    (tmp_path / "tokens.json").write_text("{")
    doors.reload()
    assert _known(doors, "one") == ["one"]
    ((event, fields),) = events
    assert (event, fields["accepted"], "line 1, column 2" in fields["detail"]) == ("tokens.reloaded", False, True)


def test_a_file_that_is_gone_lets_nobody_in(tmp_path: Path, events: Told) -> None:
    doors = _doors(tmp_path)
    (tmp_path / "tokens.json").unlink()
    doors.reload()
    assert _known(doors, "one") == []
    assert [(event, fields["accepted"], fields["tokens"]) for event, fields in events] == [
        ("tokens.reloaded", False, 0)
    ]


async def test_a_changed_file_is_noticed_without_a_signal_and_each_change_once(
    tmp_path: Path, events: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    doors = _doors(tmp_path)
    watching = asyncio.create_task(doors.watch())
    async with asyncio.timeout(10):
        for change in (
            lambda: _add(tmp_path, "two"),
            (tmp_path / "tokens.json").unlink,
            lambda: _add(tmp_path, "three"),
        ):
            before = len(events)
            change()
            while len(events) == before:
                await asyncio.sleep(0)
        (tmp_path / "tokens.json").write_text("{")
        while len(events) == 3:
            await asyncio.sleep(0)
    for _ in range(200):
        await asyncio.sleep(0)
    watching.cancel()
    assert [fields["accepted"] for _, fields in events] == [True, False, True, False]
    assert _known(doors, "one", "two", "three") == ["three"]


def test_a_renewed_certificate_is_taken_and_a_broken_one_is_not(tmp_path: Path, events: Told) -> None:
    write_pair(tmp_path, days=9)
    doors = Doors(ServerSettings(tls_certificate="server.pem", tls_key="server.key"), tmp_path)
    assert doors.certificate is not None
    first = doors.certificate.valid_until
    write_pair(tmp_path, days=20)
    doors.reload()
    renewed = doors.certificate.valid_until
    assert renewed > first
    (tmp_path / "server.key").unlink()
    doors.reload()
    assert doors.certificate.valid_until == renewed
    assert [(event, fields["accepted"]) for event, fields in events] == [
        ("certificate.reloaded", True),
        ("certificate.reloaded", False),
    ]
