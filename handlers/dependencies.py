"""The libraries this program runs on: what is installed, what is asked for, what the model was trained with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any, TypedDict

DISTRIBUTION = "attritiond"

_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*(?P<range>[^;]*)(;(?P<marker>.*))?"
)


class Dependency(TypedDict):
    """A library with its versions: what is installed, the range asked for, what the model was trained with, and the
    newest that the background check found; null where one is not known."""

    name: str
    installed: str | None
    required: str | None
    trained_with: str | None
    latest: str | None


def dependencies(
    trained_with: Mapping[str, str], cached: Mapping[str, Any], distribution: str = DISTRIBUTION
) -> list[Dependency]:
    """List each library with its versions: ``installed``, ``required``, ``trained_with`` and ``latest``, or None.

    ``trained_with`` is the release's record, ``cached`` what the background check last wrote. Where the distribution
    is not installed, and so says nothing of what it requires, the libraries of the release are listed.
    """
    required = dict(requirements(distribution))
    trained = {canonical_name(name): version for name, version in trained_with.items()}
    return [
        {
            "name": name,
            "installed": installed(name),
            "required": required.get(name) or None,
            "trained_with": trained.get(name),
            "latest": _latest(name, cached),
        }
        for name in sorted({*required, *trained})
    ]


def differing(trained_with: Mapping[str, str]) -> list[str]:
    """Name the libraries whose installed version is another than the one that the model was trained with."""
    found = {name: installed(name) for name in trained_with}
    return [
        f"{name} {found[name] or 'is not installed'}, trained with {version}"
        for name, version in sorted(trained_with.items())
        if found[name] != version
    ]


def requirements(distribution: str = DISTRIBUTION) -> Iterator[tuple[str, str]]:
    """Give name and range of what the installed distribution requires, extras left out; nothing if it is not there."""
    try:
        lines = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return
    for line in lines:
        match = _REQUIREMENT.match(line)
        if match and "extra" not in (match["marker"] or ""):
            yield canonical_name(match["name"]), match["range"].strip().strip("()")


def installed(name: str) -> str | None:
    """The version of a distribution that is installed, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def canonical_name(name: str) -> str:
    """One spelling of a distribution's name, as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _latest(name: str, cached: Mapping[str, Any]) -> str | None:
    """The newest version that the check found; None where there was no check, or no answer about this library."""
    if cached.get("outdated") is None or name in cached.get("unanswered", ()):
        return None
    newer: str | None = cached["outdated"].get(name)
    return newer or installed(name)
