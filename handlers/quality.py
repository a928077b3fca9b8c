"""The quality gate: files that are broken as a whole are kept, but nothing is learned from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from handlers.decision_blocks import OpenBlock
from handlers.domain.admission import Admitted, Inspected, Standing, admit
from handlers.domain.facts import Fact
from handlers.domain.files import Reason
from handlers.domain.leakage import Leak
from handlers.domain.learning_settings import DriftSettings
from handlers.domain.quality_gate import Break, GateSettings, breaks
from handlers.domain.reference_sketch import tally
from handlers.domain.release import Release
from handlers.house import House
from handlers.leak_warnings import leaks_in, with_known
from handlers.scoring_columns import columns_of
from handlers.storage import decisions, files
from handlers.training_window import Window

SAID = {"held": "is broken", "released": "was released by hand", "normal": "is like those before it"}
HINT = (
    "Correct it, or the file whose rows it labels, and drop it again; or let it be learned from: "
    "`attritiond files release SHA256`. Its rows are in the data set."
)


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """What the gate has let through. ``window``: the rows that are left of the block; ``held``: files with the reason;
    ``freed``: files that were held, and are the new normal; ``in_a_row``: the files that were held since the last one
    that was not, ``held_for``: what is broken in all of them; ``normal``: the breaks that are none any more;
    ``broken``: a sentence for each file that is broken; ``leaks``: the columns that by themselves give the target away,
    those that the champion has learned from included; ``held_rows``: the numbers of the rows of the block that nothing
    is learned from, int64[n]."""

    window: Window
    held_rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    held: tuple[tuple[int, Reason], ...] = ()
    freed: tuple[int, ...] = ()
    in_a_row: tuple[int, ...] = ()
    held_for: tuple[str, ...] = ()
    normal: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    leaks: tuple[Leak, ...] = ()
    told: tuple[Fact, ...] = ()

    @property
    def held_files(self) -> frozenset[int]:
        """The numbers of the files that are held."""
        return frozenset(seq for seq, _ in self.held)


def check(house: House, release: Release | None, block: OpenBlock, window: Window) -> Gate:
    """Hold each file of a block against the champion's training window, as ``pass_through`` does.

    Without a champion, and under another policy than ``evidence``, everything passes.
    """
    drift = house.learning.drift
    if release is None or not guards(release, drift):
        return Gate(window, normal=block.state.normal, leaks=with_known(release, leaks_in(window)))
    seqs = sorted(set(window.files.tolist()))
    with house.ledger.read() as connection:
        names = dict(zip(seqs, files.names(connection, seqs), strict=True))
        # Those that were released by hand meanwhile count no more.
        still = {member.file for member in decisions.held(connection, block.state.held)}
    row = tuple(seq for seq in block.state.held if seq in still)
    block = replace(block, state=msgspec.structs.replace(block.state, held=row))
    gate = pass_through(release, block, window, names, drift)
    return replace(gate, leaks=with_known(release, leaks_in(gate.window)), told=_told(house, gate.held, block))


def guards(release: Release | None, drift: DriftSettings) -> bool:
    """Is there something to hold files against, and are they to be held?"""
    return release is not None and not release.provisional and drift.policy == "evidence" and drift.hold_at_most > 0


def gate_of(release: Release | None, drift: DriftSettings) -> GateSettings | None:
    """From where on a file is broken; None where none is held."""
    return _limits(drift) if guards(release, drift) else None


def pass_through(
    release: Release, block: OpenBlock, window: Window, names: Mapping[int, str], drift: DriftSettings
) -> Gate:
    """Hold each file of a block against the champion's training window; ``window``: the block's rows; ``names``: of
    the files.

    So many files in a row as ``drift.hold_at_most`` that are broken in the same way are the new normal: the last is let
    through, and those before it are freed. What is broken in it, and in a file that was released by hand, is no break
    any more until a file comes without it. Nothing is read or written: the daemon and a replay use the same gate.
    """
    state = block.state
    settings = _limits(drift)
    released = {member.file for member in block.members if member.held == decisions.RELEASED}
    inspected = [
        replace(_inspected(release, window, seq, settings), released=seq in released)
        for seq in sorted(set(window.files.tolist()))
    ]
    before = Standing(state.held, frozenset(state.held_for), frozenset(state.normal))
    admission = admit(inspected, before, at_most=drift.hold_at_most)
    held = admission.held
    out = np.isin(window.files, [one.file for one in held])
    return Gate(
        window=window.where(~out),
        held_rows=window.rows[out],
        held=tuple((one.file, Reason("held", f"{_told_of(one)}.", HINT)) for one in held),
        freed=tuple(seq for seq in admission.freed if seq not in {one.file for one in inspected}),
        in_a_row=admission.standing.in_a_row,
        held_for=tuple(sorted(admission.standing.held_for)),
        normal=tuple(sorted(admission.standing.normal)),
        broken=tuple(f"{names[one.file]} {SAID[one.fate]}: {_told_of(one)}." for one in admission.files if one.breaks),
    )


def _limits(drift: DriftSettings) -> GateSettings:
    return GateSettings(drift.missing_jump, drift.outside_share, drift.new_category_share)


def _inspected(release: Release, window: Window, seq: int, settings: GateSettings) -> Inspected:
    chosen = window.files == seq
    if int(chosen.sum()) < settings.minimum_rows:
        return Inspected(seq, (), telling=False)
    return Inspected(seq, _breaks(release, window, chosen, settings))


def _told_of(one: Admitted) -> str:
    return "; ".join(each.sentence for each in one.breaks)


def _breaks(release: Release, window: Window, chosen: np.ndarray, settings: GateSettings) -> tuple[Break, ...]:
    columns = columns_of(window.where(chosen).table, release.scorer.features)
    return breaks(release.sketch, tally(release.sketch, columns), settings)


def _told(house: House, held: Sequence[tuple[int, Reason]], block: OpenBlock) -> tuple[Fact, ...]:
    facts = []
    with house.ledger.read() as connection:
        for seq, reason in held:
            record = files.find_seq(connection, seq)
            fields = {"file": record.name, "sha256": record.sha256, "decision": block.id}
            facts.append(Fact("file.held", {**fields, "reason": reason.code, "detail": reason.detail}))
    return tuple(facts)
