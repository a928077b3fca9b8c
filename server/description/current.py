"""The description of the API as it is for the current release, kept until another release is current."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from handlers.domain.release import Release

if TYPE_CHECKING:
    from server.description.reference import Reference


@dataclass(frozen=True, slots=True)
class Described:
    """``version``: of the release whose clients are described, None before the first. ``json``: the OpenAPI document;
    ``reference``: the same for the page."""

    version: int | None
    json: bytes
    reference: Reference


class CurrentDescription:
    """Safe to share by threads: two that come first at the same time do the same work."""

    def __init__(self, document: Callable[[Release | None], Mapping[str, Any]]) -> None:
        """``document`` makes the OpenAPI document for a release."""
        self._document = document
        self._described: Described | None = None

    def kept(self, release: Release | None) -> Described | None:
        """The description for this release where it was made before."""
        version = None if release is None else release.version
        described = self._described
        return described if described is not None and described.version == version else None

    def of(self, release: Release | None) -> Described:
        """The description for this release; it is made at the first request."""
        described = self.kept(release)
        if described is None:
            from server.description.reference import reference  # with the first who asks, not at the start

            document = self._document(release)
            version = None if release is None else release.version
            described = Described(version, msgspec.json.encode(document), reference(document))
            self._described = described
        return described
