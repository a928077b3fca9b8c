"""The tokens file: private, written whole, and refused with its place where it is damaged."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from handlers.domain.roles import Role, Token, digest_of, with_token, without_token
from handlers.storage import tokens
from handlers.storage.tokens import NoTokensFile, TokensError

AT = "2026-07-01T06:00:00.123Z"
CRM = Token("crm", Role.PREDICT, digest_of("one"), AT)
OFFICE = Token("office", Role.READ, digest_of("two"), AT)
LINE = f'{{"name": "crm", "role": "predict", "sha256": "{CRM.sha256}", "made_at": "{AT}"}}'


def _add(path: Path, token: Token) -> None:
    tokens.change(path, lambda known: with_token(known, token))


def _write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(0o600)
    return path


def test_what_was_added_is_read_and_what_was_revoked_is_not(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    _add(path, CRM)
    _add(path, OFFICE)
    assert tokens.read(path).tokens == (CRM, OFFICE)
    tokens.change(path, lambda known: without_token(known, "crm"))
    assert tokens.read(path).tokens == (OFFICE,)
    tokens.change(path, lambda known: without_token(known, "office"))
    assert tokens.read(path).tokens == ()
    assert list(tmp_path.iterdir()) == [path]


def test_the_owner_alone_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        _add(tmp_path / "tokens.json", CRM)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "tokens.json").stat().st_mode) == 0o600


def test_a_change_that_is_refused_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    _add(path, CRM)
    before = tokens.read(path)

    def refuse(_known: tuple[Token, ...]) -> tuple[Token, ...]:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        tokens.change(path, refuse)
    assert tokens.read(path) == before


def test_who_changes_it_at_the_same_time_waits_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    names = [f"t{number}" for number in range(8)]
    threads = [
        threading.Thread(target=_add, args=(path, Token(name, Role.READ, digest_of(name), AT))) for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {token.name for token in tokens.read(path).tokens} == set(names)


def test_a_link_stays_a_link_and_its_target_is_changed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "tokens.json"
    link.symlink_to("elsewhere/tokens.json")
    _add(link, CRM)
    assert link.is_symlink()
    assert tokens.read(tmp_path / "elsewhere" / "tokens.json").tokens == (CRM,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser gives files away")
def test_what_the_superuser_changes_goes_on_belonging_to_the_daemons_user(tmp_path: Path) -> None:
    os.chown(tmp_path, 4711, 4712)
    path = tmp_path / "tokens.json"
    _add(path, CRM)
    assert (path.stat().st_uid, path.stat().st_gid) == (4711, 4712)
    os.chown(path, 4713, 4714)
    _add(path, OFFICE)
    assert (path.stat().st_uid, path.stat().st_gid) == (4713, 4714)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o666, 0o601])
def test_a_file_that_others_may_read_or_change_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "tokens.json"
    _add(path, CRM)
    path.chmod(mode)
    with pytest.raises(TokensError, match=rf"its mode is {mode:o}.*chmod 600 {path}"):
        tokens.read(path)
    with pytest.raises(TokensError, match="chmod 600"):
        _add(path, OFFICE)


def test_a_file_that_is_not_there_is_told_with_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(NoTokensFile, match=r"tokens\.json: there is no such file.*attritiond token add"):
        tokens.read(tmp_path / "tokens.json")
    assert tokens.stamp(tmp_path / "tokens.json") is None


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("", "line 1, column 1"),
        ('{"tokens": [\n' + LINE + ",\n]}", "line 3, column 1"),
        (b"\xff\xfe", "no JSON in UTF-8"),
        ('{"tokens": ' + "9" * 5000 + "}", "no JSON in UTF-8"),
        ("[]", "the whole: Expected `object`"),
        ("{}", "the whole: Object missing required field `tokens`"),
        ('{"tokens": [' + LINE.replace('"predict"', '"boss"') + "]}", r"tokens\[0\]\.role: Invalid enum value"),
        ('{"tokens": [' + LINE.replace('"made_at"', '"made"') + "]}", r"tokens\[0\]: Object contains unknown field"),
        ('{"tokens": [' + LINE.replace(CRM.sha256, "abc") + "]}", r"tokens\[0\]\.sha256: Expected `str` matching"),
        ('{"tokens": [' + LINE.replace('"crm"', '"c r m"') + "]}", r"tokens\[0\]\.name: it is no name"),
        ('{"tokens": [' + LINE.replace('"crm"', "7") + "]}", r"tokens\[0\]\.name: Expected `str`"),
        ('{"tokens": [' + LINE + ", " + LINE + "]}", r"tokens\[0\]: .* more than once"),
        (
            '{"tokens": [' + LINE + ", " + LINE.replace('"crm"', '"other"').replace("predict", "admin") + "]}",
            r"tokens\[0\]: .* more than once",
        ),
    ],
)
def test_a_damaged_file_is_refused_with_line_or_key(tmp_path: Path, content: str | bytes, place: str) -> None:
    path = _write(tmp_path / "tokens.json", content)
    with pytest.raises(TokensError, match=f"{path}: .*{place}"):
        tokens.read(path)
    with pytest.raises(TokensError, match=place):
        _add(path, OFFICE)
    assert path.read_bytes() == (content if isinstance(content, bytes) else content.encode())


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tokens.json", 0o600)
    with pytest.raises(TokensError, match="it is not a file"):
        tokens.read(tmp_path / "tokens.json")
    with pytest.raises(TokensError, match="it cannot be read: Is a directory"):
        tokens.read(tmp_path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TokensError, match="it cannot be written: No such file or directory"):
        _add(tmp_path / "none" / "tokens.json", CRM)


def test_the_stamp_tells_that_the_file_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    _add(path, CRM)
    first = tokens.read(path).stamp
    assert tokens.stamp(path) == first
    _add(path, OFFICE)
    assert tokens.stamp(path) != first
