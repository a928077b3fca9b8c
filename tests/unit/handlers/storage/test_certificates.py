"""A certificate and its key: what is wrong with which of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handlers.storage.certificates import CertificateError, check
from tests.certificates import write_pair


def _refused(certificate: Path, key: Path) -> tuple[str, str]:
    with pytest.raises(CertificateError) as refused:
        check(certificate, key)
    return refused.value.key, str(refused.value)


def test_a_pair_that_fits_is_taken_and_its_end_is_known(tmp_path: Path) -> None:
    left = check(*write_pair(tmp_path, days=9)) - datetime.now(UTC)
    assert timedelta(days=8) < left < timedelta(days=10)


def test_a_certificate_that_is_no_longer_valid_is_no_reason_not_to_start(tmp_path: Path) -> None:
    assert check(*write_pair(tmp_path, days=-3)) < datetime.now(UTC)


@pytest.mark.parametrize("key", ["tls_certificate", "tls_key"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, key: str) -> None:
    pair = write_pair(tmp_path)
    missing = pair[key == "tls_key"]
    missing.unlink()
    assert _refused(*pair) == (key, f"{missing}: there is no such file.")


@pytest.mark.parametrize("key", ["tls_certificate", "tls_key"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, key: str) -> None:
    pair = write_pair(tmp_path)
    unreadable = pair[key == "tls_key"]
    unreadable.unlink()
    unreadable.mkdir()
    which, message = _refused(*pair)
    assert (which, message.startswith(f"{unreadable}: it cannot be read: ")) == (key, True)


@pytest.mark.parametrize(("key", "kind"), [("tls_certificate", "PEM certificate"), ("tls_key", "PEM private key")])
def test_a_file_that_holds_something_else_is_named(tmp_path: Path, key: str, kind: str) -> None:
    pair = write_pair(tmp_path)
    other = pair[key == "tls_key"]
    for content in (b"", b"something", b"-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n", b"\xff\x00"):
        other.write_bytes(content)
        which, message = _refused(*pair)
        assert (which, f"there is no {kind} in it" in message) == (key, True), message


def test_the_two_files_in_the_wrong_order_are_told(tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path)
    assert _refused(key, certificate)[0] == "tls_certificate"


def test_a_key_of_another_certificate_is_told(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    certificate, _ = write_pair(tmp_path, "clients.example")
    _, key = write_pair(tmp_path / "other")
    which, message = _refused(certificate, key)
    assert which == "tls_key"
    assert f"it is not the key of the certificate {certificate}, whose subject is CN=clients.example" in message


def test_a_key_with_a_password_is_told(tmp_path: Path) -> None:
    which, message = _refused(*write_pair(tmp_path, password=b"secret"))
    assert (which, "protected by a password" in message) == ("tls_key", True)


def test_a_key_that_anybody_may_read_is_refused_and_one_for_a_group_is_taken(tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path)
    key.chmod(0o640)
    check(certificate, key)
    key.chmod(0o644)
    which, message = _refused(certificate, key)
    assert (which, f"chmod o-rwx {key}" in message) == ("tls_key", True)
