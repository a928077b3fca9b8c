"""Tokens and TLS of a daemon that runs: what its files must be, and that changes of them are noticed."""

from __future__ import annotations

import json
import os
import signal
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.certificates import write_pair
from tests.end_to_end.daemon_process import DaemonProcess, run_command, running
from tests.end_to_end.drops import workspace

NOTICED_SECONDS = 10.0
"""It takes a second or two; on a busy machine longer."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return workspace(tmp_path / "work")


def _set(config: Path, **server: object) -> None:
    config.write_text(json.dumps(json.loads(config.read_text()) | {"server": server}))


def _add(config: Path, name: str, role: str) -> str:
    done = run_command(config, "token", "add", name, "--role", role)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _status(daemon: DaemonProcess, secret: str, method: str = "GET", path: str = "/v1/files") -> int:
    return daemon.request(method, path, headers={"Authorization": f"Bearer {secret}"})[0]


# -- what is refused at the start ----------------------------------------------------------------------------------


def _no_tokens(config: Path) -> str:
    _set(config, host="0.0.0.0")  # noqa: S104 - refused
    return "server.host: '0.0.0.0' is not a loopback address, and there are no access tokens"


def _no_tokens_file(config: Path) -> str:
    _set(config, tokens_file="tokens.json")
    return f"server.tokens_file: {config.parent / 'tokens.json'}: there is no such file."


def _open_tokens_file(config: Path) -> str:
    _set(config, tokens_file="tokens.json")
    _add(config, "a", "read")
    (config.parent / "tokens.json").chmod(0o644)
    return f"chmod 600 {config.parent / 'tokens.json'}"


def _damaged_tokens_file(config: Path) -> str:
    _set(config, tokens_file="tokens.json")
    _add(config, "a", "read")
    path = config.parent / "tokens.json"
    path.write_text(path.read_text().replace('"read"', '"reed"'))
    return f"server.tokens_file: {path}: tokens[0].role: "


def _half_a_pair(config: Path) -> str:
    _set(config, tls_certificate="server.pem")
    return "server.tls_key: it is missing"


def _no_key(config: Path) -> str:
    write_pair(config.parent)[1].unlink()
    _set(config, tls_certificate="server.pem", tls_key="server.key")
    return f"server.tls_key: {config.parent / 'server.key'}: there is no such file."


def _wrong_pair(config: Path) -> str:
    certificate = write_pair(config.parent)[0].read_bytes()
    write_pair(config.parent, "two")[0].write_bytes(certificate)
    _set(config, tls_certificate="server.pem", tls_key="server.key")
    return f"server.tls_key: {config.parent / 'server.key'}: it is not the key of the certificate"


@pytest.mark.parametrize(
    "break_it",
    [_no_tokens, _no_tokens_file, _open_tokens_file, _damaged_tokens_file, _half_a_pair, _no_key, _wrong_pair],
)
def test_what_cannot_be_used_is_a_configuration_error_of_run_and_of_check(
    config: Path, break_it: Callable[[Path], str]
) -> None:
    sentence = break_it(config)
    for command in ("check", "run"):
        done = run_command(config, command)
        assert (done.returncode, sentence in done.stderr) == (os.EX_CONFIG, True), done.stderr


# -- while it runs -------------------------------------------------------------------------------------------------


def test_tokens_are_made_and_revoked_while_it_runs_and_are_nowhere_in_its_log(config: Path) -> None:
    _set(config, tokens_file="tokens.json")
    boss = _add(config, "boss", "admin")
    with running(config) as daemon:
        assert daemon.request("GET", "/v1/files")[0] == 401
        assert _status(daemon, boss) == 200
        office = _add(config, "office", "read")
        daemon.until(lambda: _status(daemon, office) == 200, "a new token is known", seconds=NOTICED_SECONDS)
        assert _status(daemon, office, "POST", "/v1/rollback") == 403
        assert run_command(config, "token", "revoke", "office").returncode == 0
        daemon.until(lambda: _status(daemon, office) == 401, "it is revoked", seconds=NOTICED_SECONDS)
        assert _status(daemon, boss) == 200
        daemon.until(lambda: daemon.events("request.served"), "a refusal is in the log")
        status = run_command(config, "status", "--json")
        daemon.stop()
        text = json.dumps(daemon.lines) + status.stdout + status.stderr
    assert [line["tokens"] for line in daemon.events("tokens.reloaded")] == [2, 1]
    assert {line["token"] for line in daemon.events("request.served")} <= {None, "office", "boss"}
    assert not [secret for secret in (boss, office) if secret in text]


def test_a_damaged_tokens_file_locks_nobody_out_and_is_told_once(config: Path) -> None:
    _set(config, tokens_file="tokens.json")
    boss = _add(config, "boss", "admin")
    with running(config) as daemon:
        whole = (config.parent / "tokens.json").read_text()
        (config.parent / "tokens.json").write_text("{")
        daemon.wait_for("tokens.reloaded", where=lambda line: not line["accepted"])
        assert _status(daemon, boss) == 200
        daemon.signal(signal.SIGHUP)
        daemon.wait_count("tokens.reloaded", 2)
        (config.parent / "tokens.json").write_text(whole)
        daemon.wait_for("tokens.reloaded", where=lambda line: bool(line["accepted"]))
        daemon.stop()
    assert [line["level"] for line in daemon.events("tokens.reloaded")] == ["warning", "warning", "info"]


def test_https_is_said_and_served_and_its_certificate_is_renewed_by_a_signal(config: Path) -> None:
    write_pair(config.parent)
    _set(config, tls_certificate="server.pem", tls_key="server.key")
    with running(config) as daemon:
        assert daemon.url.startswith("https://127.0.0.1:")
        assert json.loads(run_command(config, "status", "--json").stdout)["daemon"]["url"] == daemon.url
        old = ssl.create_default_context(cafile=config.parent / "server.pem")
        assert _livez(daemon, old) == 200
        write_pair(config.parent, "two")
        daemon.signal(signal.SIGHUP)
        assert daemon.wait_for("certificate.reloaded")["accepted"]
        assert _livez(daemon, ssl.create_default_context(cafile=config.parent / "server.pem")) == 200
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            _livez(daemon, old)
        (config.parent / "server.key").write_text("no key")
        daemon.signal(signal.SIGHUP)
        refused = daemon.wait_for("certificate.reloaded", where=lambda line: not line["accepted"])
        assert (refused["level"], "PEM private key" in refused["detail"]) == ("warning", True)
        assert _livez(daemon, ssl.create_default_context(cafile=config.parent / "server.pem")) == 200
        daemon.stop()


def _livez(daemon: DaemonProcess, context: ssl.SSLContext) -> int:
    with urllib.request.urlopen(daemon.url + "livez", context=context, timeout=30) as answer:  # noqa: S310 - our own
        return int(answer.status)
