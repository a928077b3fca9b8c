"""Does the kernel tell us of changes on this file system? Not of those that another machine makes."""

from __future__ import annotations

import os
from pathlib import Path

#: File systems that others write to without this kernel's knowledge: network shares and shared folders of machines.
_NETWORK = (
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
)
_MACHINE = ("prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs")
_SHARED = frozenset({*_NETWORK, *_MACHINE})


def file_system_type(mountinfo: str, device: int) -> str | None:
    """The type of the mounted file system with this device number, from the text of ``/proc/self/mountinfo``.

    None: it is not listed (btrfs, for one, gives its sub-volumes numbers of their own).
    """
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2:3] == [wanted] and after:
            return after.split()[0]
    return None


def is_shared(folder: Path) -> bool:
    """May another machine put files into this folder? Then events cannot be relied on. Raises OSError."""
    device = folder.stat().st_dev
    try:
        mountinfo = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    kind = file_system_type(mountinfo, device)
    return kind is not None and (kind in _SHARED or kind.startswith("fuse"))
