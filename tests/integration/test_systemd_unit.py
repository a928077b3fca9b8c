"""The files for systemd are accepted by systemd."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[2] / "systemd"


def _run(*command: str | Path) -> str:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed here")
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


@pytest.mark.parametrize(
    ("name", "instance", "command"),
    [
        ("attritiond.service", "attritiond.service", "run"),
        ("attritiond-serve@.service", "attritiond-serve@8001.service", "serve"),
    ],
)
def test_systemd_analyze_finds_nothing_to_say_about_the_units(
    tmp_path: Path, name: str, instance: str, command: str
) -> None:
    unit = (SYSTEMD / name).read_text()
    installed = "/opt/attritiond/.venv/bin/attritiond"
    assert f"ExecStart={installed} {command}" in unit
    (tmp_path / name).write_text(unit.replace(f"ExecStart={installed}", f"ExecStart={sys.executable}"))
    (tmp_path / instance).write_text((tmp_path / name).read_text())
    assert _run("systemd-analyze", "verify", tmp_path / instance) == ""


def test_the_unit_keeps_to_what_systemd_252_knows_and_does_not_retry_a_bad_configuration() -> None:
    _check_restarts("attritiond.service")
    _check_restarts("attritiond-serve@.service")


def test_a_replicas_unit_may_write_nowhere() -> None:
    unit = (SYSTEMD / "attritiond-serve@.service").read_text()
    assert "ProtectSystem=strict" in unit
    assert not [
        word for word in ("ReadWritePaths", "StateDirectory", "CacheDirectory", "LogsDirectory") if word in unit
    ]


def _check_restarts(name: str) -> None:
    lines = [line.strip() for line in (SYSTEMD / name).read_text().splitlines()]
    assert "Type=notify" in lines
    assert not [line for line in lines if line.startswith(("RestartSteps", "RestartMaxDelaySec", "Type=notify-reload"))]
    (prevented,) = [line for line in lines if line.startswith("RestartPreventExitStatus=")]
    assert "78" in prevented.partition("=")[2].split()
    assert "75" not in prevented.partition("=")[2].split(), "another daemon's lock is released some time"


def test_the_user_and_the_folders_are_made_as_the_unit_expects(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for name in ("passwd", "group", "shadow", "gshadow"):
        (tmp_path / "etc" / name).write_text("")
    _run("systemd-sysusers", f"--root={tmp_path}", SYSTEMD / "attritiond.sysusers.conf")
    lines = (tmp_path / "etc" / "group").read_text().splitlines()
    groups = {line.split(":")[0]: line.split(":")[3] for line in lines}
    assert {name: groups[name] for name in ("attritiond", "attritiond-drop")} == {
        "attritiond": "",
        "attritiond-drop": "attritiond",
    }


def test_a_systemd_package_of_python_is_not_shadowed() -> None:
    assert not list(SYSTEMD.rglob("*.py"))
