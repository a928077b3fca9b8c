"""What a power cut may not find: that the ledger names a file whose bytes or whose name are not on the disk yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.end_to_end.deeds import Report
from tests.end_to_end.system_calls import Call

SYNCS = ("fsync", "fdatasync")
WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2", "copy_file_range", "sendfile", "ftruncate")


def named_in_order(report: Report) -> list[str]:
    """Files that the run renamed and the ledger names, each checked: written, synced, renamed, its folder synced, and
    only then is its name written into the ledger's log. Returns their names; raises AssertionError."""
    calls = [Call(**call) for call in report.calls]
    named = {name for call in calls for name in call.names}
    checked = []
    for place, call in enumerate(calls):
        if call.name.startswith("rename") and Path(call.paths[1]).name in named:
            _check_file(calls, place)
            checked.append(Path(call.paths[1]).name)
    assert set(checked) == named
    return checked


def log_is_synced(report: Report) -> int:
    """Whatever was written to the ledger's log was synced before the run said that it was done. Returns how often."""
    calls = [Call(**call) for call in report.calls]
    log = [call for call in calls if call.paths[0].endswith("-wal")]
    written = [call for call in log if call.name in WRITES]
    syncs = [call for call in log if call.name in SYNCS]
    assert written, "nothing was written to the ledger's log"
    assert report.acknowledged, "the run has said nothing"
    for call in written:
        assert any(call.returned < sync.entered and sync.returned < report.acknowledged[0] for sync in syncs), (
            f"not synced before it was acknowledged: {call}"
        )
    return len(syncs)


def _check_file(calls: Sequence[Call], place: int) -> None:
    rename = calls[place]
    beside, final = rename.paths
    written = [call for call in calls[:place] if call.name in WRITES and call.paths[0] == beside]
    assert written, f"{final} has no bytes"
    synced = _sync_between(calls, beside, max(call.returned for call in written), rename.entered)
    assert synced, f"{final}: renamed before its bytes were synced"
    first = min(call.entered for call in calls if Path(final).name in call.names)
    assert rename.returned < first, f"{final}: in the ledger's log before it had its name"
    assert _sync_between(calls, str(Path(final).parent), rename.returned, first), (
        f"{final}: in the ledger's log before its folder was synced"
    )


def _sync_between(calls: Sequence[Call], path: str, begin: int, end: int) -> bool:
    return any(
        call.name in SYNCS and call.paths[0] == path and begin < call.entered and 0 < call.returned < end
        for call in calls
    )
