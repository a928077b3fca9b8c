"""A release is held against the answers that were stored with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.proving import Unproved, proved
from handlers.storage.releases import ReleaseError, linked
from tests.integration.small_releases import deploy, deployment_folder, write_release


def test_a_release_that_answers_as_it_was_stored_is_proved_by_the_public_key_alone(tmp_path: Path) -> None:
    production = deployment_folder(tmp_path)
    write_release(production, 3)
    key = tmp_path / "keys" / "release.pub"
    (tmp_path / "keys" / "release.key").unlink()
    assert proved(production / "releases", 3, key).scorecard.threshold == 0.03


def test_a_release_that_answers_otherwise_is_not(tmp_path: Path) -> None:
    production = deployment_folder(tmp_path)
    write_release(production, 3, golden=1e-12)
    with pytest.raises(Unproved, match="does not give the predictions"):
        proved(production / "releases", 3, tmp_path / "keys")


def test_the_link_says_which_release_is_current_and_a_new_signature_is_another_one(tmp_path: Path) -> None:
    production = deployment_folder(tmp_path)
    assert linked(production) is None
    deploy(production, 4)
    first = linked(production)
    assert first is not None
    assert first.version == 4
    assert linked(production) == first
    deploy(production, 4)
    assert linked(production) != first


@pytest.mark.parametrize("target", ["releases/../../etc", "/etc/passwd", "releases/4/..", "releases/04", "elsewhere"])
def test_a_link_to_anything_but_a_release_is_refused(tmp_path: Path, target: str) -> None:
    production = deployment_folder(tmp_path)
    (production / "current").symlink_to(target)
    with pytest.raises(ReleaseError, match="and not to a release"):
        linked(production)


def test_a_folder_that_is_gone_and_a_link_to_nothing_are_told(tmp_path: Path) -> None:
    production = deployment_folder(tmp_path)
    (production / "current").symlink_to("releases/7")
    with pytest.raises(ReleaseError, match=r"releases/7/manifest\.sig cannot be read"):
        linked(production)
    with pytest.raises(ReleaseError, match="absent cannot be read"):
        linked(tmp_path / "absent")
