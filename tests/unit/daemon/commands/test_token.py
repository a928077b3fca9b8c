"""``attritiond token``: shown once, kept as a hash, listed without it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from daemon.cli import main
from handlers.domain.roles import Role, holder_of
from handlers.storage import tokens

SECRET = re.compile(r"attritiond_[A-Za-z0-9_-]{43}\n")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"server": {"tokens_file": "tokens.json"}}))
    return path


def _run(config: Path, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["token", *arguments, "--config", str(config)])
    assert result.exit_code == code, result.output
    return result


def test_the_token_alone_is_on_standard_output_and_its_hash_alone_in_the_file(config: Path) -> None:
    result = _run(config, "add", "crm", "--role", "predict")
    assert SECRET.fullmatch(result.stdout)
    assert "only its hash is kept" in result.stderr
    secret = result.stdout.strip()
    assert secret not in result.stderr
    path = config.parent / "tokens.json"
    assert secret not in path.read_text()
    known = tokens.read(path).tokens
    holder = holder_of(secret, known)
    assert holder is not None
    assert (holder.name, holder.role) == ("crm", Role.PREDICT)


def test_no_two_tokens_are_equal(config: Path) -> None:
    made = {_run(config, "add", f"t{number}", "--role", "read").stdout for number in range(20)}
    assert len(made) == 20


def test_the_list_has_names_and_roles_and_no_token(config: Path) -> None:
    secrets = [_run(config, "add", name, "--role", role).stdout.strip() for name, role in _TWO]
    shown = _run(config, "list").output
    said = json.loads(_run(config, "list", "--json").stdout)
    assert [(item["name"], item["role"]) for item in said["items"]] == _TWO
    assert {key for item in said["items"] for key in item} == {"name", "role", "made_at"}
    for secret, token in zip(secrets, tokens.read(config.parent / "tokens.json").tokens, strict=True):
        assert token.name in shown
        assert secret not in shown
        assert token.sha256 not in shown + json.dumps(said)


_TWO = [("crm", "predict"), ("office", "read")]


def test_the_list_is_empty_before_the_first_token(config: Path) -> None:
    assert json.loads(_run(config, "list", "--json").stdout) == {"items": []}


def test_a_revoked_token_is_gone(config: Path) -> None:
    said = json.loads(_run(config, "add", "crm", "--role", "admin", "--json").stdout)
    assert (said["name"], said["role"]) == ("crm", "admin")
    assert json.loads(_run(config, "revoke", "crm", "--json").stdout) == {"name": "crm", "revoked": True}
    assert holder_of(said["token"], tokens.read(config.parent / "tokens.json").tokens) is None


def test_what_cannot_be_is_told(config: Path) -> None:
    _run(config, "add", "crm", "--role", "read")
    assert "a token crm already" in _run(config, "add", "crm", "--role", "read", code=1).stderr
    assert "There are: crm" in _run(config, "revoke", "boss", code=1).stderr
    assert "1 to 64 letters" in _run(config, "add", "c r m", "--role", "read", code=2).stderr
    assert "'boss' is not one of" in _run(config, "add", "b", "--role", "boss", code=2).stderr


@pytest.mark.parametrize("arguments", [("list",), ("add", "a", "--role", "read"), ("revoke", "a")])
def test_a_tokens_file_that_cannot_be_used_is_a_configuration_error(config: Path, arguments: tuple[str, ...]) -> None:
    path = config.parent / "tokens.json"
    path.write_text('{"tokens": 7}')
    path.chmod(0o600)
    assert f"server.tokens_file: {path}: tokens: " in _run(config, *arguments, code=78).stderr
    path.chmod(0o644)
    assert f"chmod 600 {path}" in _run(config, *arguments, code=78).stderr


@pytest.mark.parametrize("arguments", [("list",), ("add", "a", "--role", "read"), ("revoke", "a")])
def test_without_the_setting_it_is_said_what_to_set(config: Path, arguments: tuple[str, ...]) -> None:
    config.write_text("{}")
    assert "server.tokens_file: it is not set" in _run(config, *arguments, code=78).stderr


def test_the_first_token_is_made_before_the_daemon_would_start(config: Path) -> None:
    config.write_text(json.dumps({"server": {"tokens_file": "tokens.json", "host": "0.0.0.0"}}))  # noqa: S104 - only read
    result = CliRunner().invoke(main, ["check", "--config", str(config)])
    assert (result.exit_code, "attritiond token add" in result.stderr) == (78, True)
    _run(config, "add", "boss", "--role", "admin")
    assert CliRunner().invoke(main, ["check", "--config", str(config)]).exit_code == 0
