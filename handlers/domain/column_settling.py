"""What a column turns out to be at a file's end: learned from its cells, revised while provisional, then only widened.

The plan of a column that is new is hopeful: plain integers. After the first block it is ``revised``; at the end of the
file ``settle`` says what the column is. Where that reads otherwise than the plan that was followed, the file is read
again by the plan that was settled on; the third reading, at the latest, fits.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from handlers.domain.column_notes import (
    almost_note,
    ambiguous,
    code_note,
    mostly_note,
    points_beside_commas,
    style_notes,
    too_wide,
)
from handlers.domain.column_reading import Plan, Purpose
from handlers.domain.evidence import MAX_CATEGORIES, Evidence
from handlers.domain.exact_casts import EXACT_INTEGER
from handlers.domain.files import Reason
from handlers.domain.number_styles import COMMA_STYLES, NumberStyle, style_of
from handlers.domain.schema import Column, ColumnType, DatasetSettings, Role, TypeOverride

#: Up to this many cells, repetition says nothing.
FEW_CELLS = 40


@dataclass(frozen=True, slots=True)
class ColumnBrief:
    """What is known of a column before its cells are read.

    ``known``: as it is in the schema, None if its type is to be learned; ``wanted``: the type that is configured;
    ``free``: text may become a category and the reverse.
    """

    name: str
    role: Role
    known: Column | None
    wanted: TypeOverride | None
    free: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """What a column is from now on, and by which plan its cells have to be read.

    Where ``plan`` reads otherwise than the plan that was followed, only ``plan`` counts. ``blank``: no value of it was
    seen; ``notes``: what was guessed or changed; ``grouped``: each point in its numbers may separate thousands;
    ``wide``: it has integers that are not exact as numbers.
    """

    type: ColumnType
    plan: Plan
    blank: bool = False
    notes: tuple[str, ...] = ()
    grouped: bool = False
    wide: bool = False


def role_of(name: str, settings: DatasetSettings) -> Role:
    """Return what a column is for, as configured."""
    if name == settings.id_column:
        return Role.ID
    if name == settings.target_column:
        return Role.TARGET
    if name == settings.time_column:
        return Role.TIME
    return Role.IGNORED if name in settings.ignore_columns else Role.FEATURE


def brief_of(name: str, known: Column | None, settings: DatasetSettings, *, provisional: bool) -> ColumnBrief:
    """Gather what is known of a column of a file, any but the target, from the schema and the settings."""
    role, wanted = role_of(name, settings), settings.columns.get(name)
    if known is not None and known.blank and provisional:
        known = None
    if known is None and wanted is None and role is Role.IGNORED and name != settings.value_column:
        wanted = "text"
    return ColumnBrief(name, role, known, wanted, provisional and role is Role.FEATURE)


def plan_column(brief: ColumnBrief) -> Plan:
    """Return how a column's cells are read at first: as what is known, or else as plain integers."""
    if brief.role in (Role.ID, Role.TIME):
        return Plan(ColumnType.TEXT, Purpose(brief.role))
    if brief.known is None:
        if brief.wanted is None:
            return Plan(ColumnType.INTEGER, Purpose.NEW)
        return Plan(ColumnType(brief.wanted), Purpose.KNOWN if brief.wanted == "number" else Purpose.KEPT)
    if brief.known.type.is_numeric:
        return Plan(brief.known.type, Purpose.KNOWN)
    return Plan(brief.known.type, Purpose.OPEN if brief.free and brief.wanted is None else Purpose.KEPT)


def revised(brief: ColumnBrief, plan: Plan, evidence: Evidence) -> Plan:
    """Return the plan to go on with after a file's first block, which is read again where that reads otherwise."""
    settled = settle(brief, plan, evidence)
    return plan if isinstance(settled, Reason) or settled.blank else settled.plan


def settle(brief: ColumnBrief, plan: Plan, evidence: Evidence) -> Settled | Reason:
    """Say what a column is, given all its cells of a file; a reason if the file has to be refused."""
    if plan.purpose is Purpose.NEW:
        return _learned(brief, plan, evidence)
    if plan.type.is_numeric:
        return _still_numbers(brief, plan, evidence)
    return _still_text(brief, plan, evidence)


def unlike_neighbours(columns: Mapping[str, Settled]) -> Reason | None:
    """Refuse a column of nothing but numbers like 1.234 in a file that has decimal commas in another column."""
    numeric = {name: column for name, column in columns.items() if column.type.is_numeric}
    with_commas = next((name for name, column in numeric.items() if column.plan.style in COMMA_STYLES), None)
    if with_commas is None:
        return None
    grouped = next((name for name, column in numeric.items() if column.grouped), None)
    return None if grouped is None else points_beside_commas(grouped, with_commas)


def _learned(brief: ColumnBrief, plan: Plan, evidence: Evidence) -> Settled | Reason:
    numbers = evidence.plain + evidence.separated
    if not numbers and not evidence.junk:
        return Settled(ColumnType.NUMBER, plan, blank=True)
    style = style_of(evidence.styles)
    if style is None and not evidence.junk:
        return ambiguous(brief.name)
    if evidence.junk or style not in evidence.styles:
        return _as_text(plan, evidence, _why_no_numbers(brief.name, evidence, style))
    if style is not plan.style:
        # How the numbers are written has to be known before it can be seen which of them are integers.
        return Settled(ColumnType.INTEGER, Plan(ColumnType.INTEGER, Purpose.NEW, style))
    if evidence.coded or (evidence.whole and not evidence.integral):
        return _as_text(plan, evidence, (code_note(brief.name),))
    found = ColumnType.INTEGER if evidence.whole else ColumnType.NUMBER
    return _numeric(brief.name, found, plan, evidence)


def _why_no_numbers(name: str, evidence: Evidence, style: NumberStyle | None) -> tuple[str, ...]:
    """Return what there is to say about a column that is text because of cells that are no numbers."""
    fits = style in evidence.styles
    read = evidence.plain + (evidence.separated if fits else 0)
    faults = evidence.junk + (0 if fits else evidence.separated)
    first = evidence.first_junk if fits else evidence.odd
    return mostly_note(name, read, faults, first or "") or almost_note(name, evidence.first_junk or "")


def _as_text(plan: Plan, evidence: Evidence, notes: tuple[str, ...]) -> Settled:
    """Settle on text; which kind of it is known once the cells have been read as text."""
    found = _text_type(evidence)
    return Settled(found, dataclasses.replace(plan, type=found), notes=notes)


def _numeric(name: str, found: ColumnType, plan: Plan, evidence: Evidence, *notes: str) -> Settled:
    notes = (*style_notes(name, plan.style), *notes)
    grouped = plan.style is NumberStyle.PLAIN and NumberStyle.POINTS in evidence.styles
    grouped &= NumberStyle.DECIMAL_COMMA not in evidence.styles
    wide = found is ColumnType.INTEGER and evidence.largest >= EXACT_INTEGER
    return Settled(found, dataclasses.replace(plan, type=found), notes=notes, grouped=grouped, wide=wide)


def _still_numbers(brief: ColumnBrief, plan: Plan, evidence: Evidence) -> Settled | Reason:
    """Settle a column that is one of numbers whatever its cells are."""
    style = style_of(evidence.styles)
    if style is None:
        return ambiguous(brief.name)
    if style is not plan.style:
        # What made a number of an integer may have been the wrong style alone.
        type = ColumnType.NUMBER if brief.known is None else brief.known.type
        return Settled(type, dataclasses.replace(plan, type=type, style=style))
    if brief.known is None or brief.known.type is ColumnType.NUMBER:
        settled = _numeric(brief.name, ColumnType.NUMBER, plan, evidence)
        return dataclasses.replace(settled, blank=brief.known is not None and not evidence.present)
    if evidence.integral:
        return _numeric(brief.name, ColumnType.INTEGER, plan, evidence)
    # The first integer that changes, 2**53 + 1, has been rounded down already.
    if evidence.largest >= EXACT_INTEGER or brief.known.wide:
        return too_wide(brief.name, EXACT_INTEGER)
    note = f"Column {brief.name!r} holds fractions now: from an integer it became a number."
    return _numeric(brief.name, ColumnType.NUMBER, plan, evidence, note)


def _still_text(brief: ColumnBrief, plan: Plan, evidence: Evidence) -> Settled:
    """Settle a column that is text; a category may become free text and the reverse while the schema is provisional."""
    if brief.known is None or brief.role in (Role.ID, Role.TIME):
        return Settled(plan.type, plan)
    name, known, found = brief.name, brief.known.type, brief.known.type
    if brief.wanted == "number":
        note = f"dataset.columns makes {name!r} a number, but it was learned as {known}: reset the schema."
        return Settled(known, plan, notes=(note,))
    if brief.wanted is not None:
        found = ColumnType(brief.wanted) if brief.free else known
    elif brief.free:
        found = _text_type(evidence)
        # A small file shows that there are many values, never that there are few.
        if found is ColumnType.CATEGORY and evidence.texts <= FEW_CELLS:
            found = known
    changed = found is not known
    notes = (f"Column {name!r} is taken as {found} from now on, no longer as {known}.",) if changed else ()
    return Settled(found, plan, notes=notes)


def _text_type(evidence: Evidence) -> ColumnType:
    """Return category where few values repeat often enough to be learned from, else text."""
    if evidence.distinct is None or len(evidence.distinct) > MAX_CATEGORIES:
        return ColumnType.TEXT
    repeated = evidence.texts <= FEW_CELLS or 2 * len(evidence.distinct) <= evidence.texts
    return ColumnType.CATEGORY if repeated else ColumnType.TEXT
