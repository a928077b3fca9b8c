"""On which file systems the kernel's events can be relied on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemon.mounts import file_system_type, is_shared

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:51 / /srv/share\\040x rw,relatime shared:9 master:2 - nfs4 host:/export rw,vers=4.2
31 22 0:52 / /home/me/box rw - fuse.sshfs host: rw
"""


@pytest.mark.parametrize(
    ("device", "kind"), [((254, 0), "ext4"), ((0, 51), "nfs4"), ((0, 52), "fuse.sshfs"), ((0, 99), None)]
)
def test_the_type_is_found_by_device_number(device: tuple[int, int], kind: str | None) -> None:
    assert file_system_type(MOUNTS, os.makedev(*device)) == kind


@pytest.mark.parametrize(("kind", "shared"), [("ext4", False), ("nfs4", True), ("fuse.sshfs", True), (None, False)])
def test_what_other_machines_write_to_is_shared(
    kind: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, shared: bool
) -> None:
    monkeypatch.setattr("daemon.mounts.file_system_type", lambda _text, _device: kind)
    assert is_shared(tmp_path) is shared
