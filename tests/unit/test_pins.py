"""The pinned lists: exact, hashed, of the declared ranges, and naming no host."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PINNED = re.compile(
    r"^([A-Za-z0-9._-]+)(?:\[[a-z0-9,-]+\])?==(\S+)(?: ; .*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
    re.MULTILINE,
)


def _pins(name: str) -> dict[str, str]:
    return {canonicalize_name(found[1]): found[2] for found in PINNED.finditer((ROOT / name).read_text())}


def _declared(*, dev: bool) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = project["optional-dependencies"]["dev"] if dev else []
    return [Requirement(text) for text in project["dependencies"] + extra]


@pytest.mark.parametrize(("name", "dev"), [("requirements.txt", False), ("requirements-dev.txt", True)])
def test_every_declared_dependency_is_pinned_within_its_range(name: str, dev: bool) -> None:
    pins = _pins(name)
    for requirement in _declared(dev=dev):
        version = pins.get(canonicalize_name(requirement.name), "absent")
        assert version in requirement.specifier, f"{requirement} is pinned to {version}: run `make pins`"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_line_of_a_list_is_a_pin_with_hashes_or_a_comment(name: str) -> None:
    text = (ROOT / name).read_text()
    left = [line for line in PINNED.sub("", text).splitlines() if line and not line.lstrip().startswith("#")]
    assert left == []
    assert not re.search(r"://|--(index|extra|find|trusted)", text)


def test_what_the_tests_install_is_what_the_program_installs() -> None:
    assert _pins("requirements.txt").items() <= _pins("requirements-dev.txt").items()


def test_the_distribution_that_would_replace_our_package_is_never_installed() -> None:
    assert "python-daemon" not in _pins("requirements-dev.txt")
