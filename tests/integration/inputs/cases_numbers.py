"""Cells: names that look like something else, and everything that may be found where a number belongs."""

from __future__ import annotations

from handlers.domain.files import FileState
from tests.integration.inputs.case import HEADER, STAYED, Case, refused, with_faults

NAMES = ("NA", "NULL", "None", "nan", "-", "?", "true", " padded ")
CODES = ("007", "4e492493924924", "1e400", "0x1F", "12", "12.0", "-0", "9223372036854775808")


def numbers(visits: str, spend: str, *values: object, row: str, notes: tuple[str, ...] = ()) -> Case:
    """One line with these two cells, quoted, read as these two values."""
    content = HEADER + f'k,"{visits}","{spend}",basic,1\n'.encode()
    return Case(row=row, content=content, rows=(("k", *values, "basic", 1),), notes=notes)


def fault(cell: str, *, row: str) -> Case:
    """A cell that is no number, in a column of integers."""
    return with_faults(f'k5,"{cell}",5.5,basic,1'.encode(), row=row, fault=("visits", "not_a_number", cell))


def column(*cells: str, values: tuple[object, ...], row: str, notes: tuple[str, ...]) -> Case:
    """A first file with a column of these cells, quoted."""
    labels = ["1", *["0"] * (len(cells) - 1)]
    lines = [f'k{place},"{cell}",{label}\n' for place, (cell, label) in enumerate(zip(cells, labels, strict=True))]
    rows = tuple((f"k{place}", value, int(labels[place])) for place, value in enumerate(values))
    content = b"corporation,amount,exited\n" + "".join(lines).encode()
    return Case(row=row, content=content, before=(), rows=rows, notes=(*notes, STAYED))


def refused_column(*cells: str, row: str, says: str) -> Case:
    """A first file with a column whose numbers could be read in two ways."""
    made = column(*cells, values=(), row=row, notes=())
    return Case(
        row=row, content=made.content, before=(), state=FileState.QUARANTINED, code="ambiguous_numbers", says=says
    )


TEXTS = (
    Case(
        row="names-like-missing",
        content=HEADER + "".join(f"{name},1,1.5,{name},1\n" for name in NAMES).encode(),
        rows=tuple((name, 1, 1.5, name, 1) for name in NAMES),
    ),
    Case(
        row="names-like-numbers",
        content=HEADER + "".join(f"{name},1,1.5,{name},1\n" for name in CODES).encode(),
        rows=tuple((name, 1, 1.5, name, 1) for name in CODES),
    ),
    Case(
        row="names-like-numbers",
        content=b"corporation,visits,exited\n7,1,1\n8,2,0\n",
        before=(),
        rows=(("7", 1, 1), ("8", 2, 0)),
        notes=(STAYED,),
    ),
    column("007", "012", values=("007", "012"), row="codes-with-zeros", notes=("its digits are a code",)),
    Case(
        row="missing-values",
        content=HEADER + b"k,,,,1\nl, ,\t,  ,1\n",
        rows=(("k", None, None, None, 1), ("l", None, None, None, 1)),
    ),
    Case(
        row="missing-values-spelled",
        content=HEADER
        + b"".join(b"%b,%b,%b,%b,1\n" % ((s,) * 4) for s in (b"NA", b"n/a", b"NaN", b"Null", b"NONE", b"-", b"?")),
        rows=tuple((s, None, None, s, 1) for s in ("NA", "n/a", "NaN", "Null", "NONE", "-", "?")),
    ),
    with_faults(b" ,15,5.5,basic,1", row="missing-id", fault=("corporation", "missing_id", " ")),
)

PLAIN = (
    numbers("+5", "-1.5", 5, -1.5, row="signs"),
    numbers("-0", "+.5", 0, 0.5, row="signs"),
    numbers(" 5 ", "\t1.5 ", 5, 1.5, row="spaces-around-numbers"),
    numbers("\u00a05", "1.5\u2009", 5, 1.5, row="spaces-around-numbers"),
    numbers("1", "1.5e3", 1, 1500.0, row="exponents"),
    numbers("1", "25E-1", 1, 2.5, row="exponents"),
    numbers("1e3", "1e-400", 1000, 0.0, row="exponents"),
    numbers("9223372036854775807", "9223372036854775808", 2**63 - 1, 2.0**63, row="2-to-the-63"),
    Case(
        row="integer-becomes-number",
        content=HEADER + b"k,1.5,1.5,basic,1\n",
        rows=(("k", 1.5, 1.5, "basic", 1),),
        notes=("Column 'visits' holds fractions now: from an integer it became a number",),
    ),
    refused(
        HEADER + b"k,1.5,1,basic,1\nl,9007199254740993,1,basic,0\n",
        row="too-large-to-widen",
        code="widening",
        says="'visits'",
    ),
    refused(HEADER + b"k,9223372036854775808,1,basic,1\n", row="too-large-to-widen", code="widening", says="'visits'"),
    column(
        "9223372036854775808",
        "2",
        values=("9223372036854775808", "2"),
        row="too-many-digits",
        notes=("its digits are a code",),
    ),
)

FAULTS = (
    fault("many", row="text-in-numbers"),
    fault("+", row="sign-alone"),
    fault("1 2", row="space-inside"),
    fault("+ 5", row="space-inside"),
    fault("1e400", row="too-large-number"),
    fault("-1e400", row="too-large-number"),
    fault("inf", row="infinity"),
    fault("-Infinity", row="infinity"),
    fault("1.#INF", row="infinity"),
    fault("-nan", row="signed-nan"),
    fault("0x1F", row="hexadecimal"),
    fault("1_000", row="underscores"),
    fault("\uff11\uff12", row="other-digits"),
    fault("\u0661\u0662", row="other-digits"),
    fault("$5", row="currency"),
    fault("5 €", row="currency"),
    fault("5%", row="percent"),
    fault("true", row="booleans-in-numbers"),
    fault("No", row="booleans-in-numbers"),
    fault("\ufeff5", row="bom-in-a-number"),
    column("yes", "no", "yes", values=("yes", "no", "yes"), row="booleans-in-a-new-column", notes=()),
    column("true", "false", "true", values=("true", "false", "true"), row="booleans-in-a-new-column", notes=()),
    column(
        *[str(n) for n in range(20)],
        "$5",
        values=(*[str(n) for n in range(20)], "$5"),
        row="new-column-mostly-numbers",
        notes=("'$5'",),
    ),
)

SEPARATORS = (
    column("1,5", "1,234", "", "7", values=(1.5, 1.234, None, 7.0), row="decimal-comma", notes=("has decimal commas",)),
    Case(
        row="decimal-comma",
        content=HEADER.replace(b",", b";") + b"k;1;1,5;basic;1\nl;2;2,25;basic;0\n",
        rows=(("k", 1, 1.5, "basic", 1), ("l", 2, 2.25, "basic", 0)),
        notes=("separated by a semicolon", "has decimal commas"),
    ),
    refused_column("1,234", "5,678", row="ambiguous-comma", says="1,234"),
    refused_column("1,234", "", "7", row="ambiguous-comma", says="1,234"),
    column("1,234,567.89", "12", values=(1234567.89, 12.0), row="thousands-comma", notes=("thousands",)),
    column("1,234.5", "5,678", values=(1234.5, 5678.0), row="thousands-comma", notes=("thousands",)),
    column("1,234,567", "5,678", values=(1234567, 5678), row="thousands-comma", notes=("thousands",)),
    column("1.234,56", "12", values=(1234.56, 12.0), row="thousands-point", notes=("thousands",)),
    column("1.234.567", "12", values=(1234567, 12), row="thousands-point", notes=("thousands",)),
    column("1 234 567", "5 678", values=(1234567, 5678), row="thousands-space", notes=("thousands",)),
    column("1\u00a0234,5", "12", values=(1234.5, 12.0), row="thousands-space", notes=("thousands",)),
    column("1\u202f234.5", "12", values=(1234.5, 12.0), row="thousands-space", notes=("thousands",)),
    column("1'234.5", "12", values=(1234.5, 12.0), row="thousands-apostrophe", notes=("thousands",)),
    Case(
        row="point-or-thousands",
        content=b"corporation;amount;share;exited\nk0;1.234;0,5;1\nk1;5.678;1,25;0\n",
        before=(),
        state=FileState.QUARANTINED,
        code="ambiguous_numbers",
        says="1.234",
    ),
)

CASES = TEXTS + PLAIN + FAULTS + SEPARATORS
