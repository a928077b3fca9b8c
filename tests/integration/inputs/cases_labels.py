"""The target and the time: two labels and no third, blank ones, labels that come alone, dates that do not exist."""

from __future__ import annotations

from handlers.domain.files import FileState
from tests.integration.inputs.case import HEADER, STAYED, Case, refused, with_faults

SPELLED = HEADER + b"k0,1,1.5,basic,1.0\nk1,2,1.5,basic, 1\nk2,3,1.5,basic,+1\nk3,4,1.5,basic,0.0\n"
TIMED = {"dataset": {"time_column": "month"}}
MONTHS = b"corporation,month,visits,exited\na,2024-01,1,1\nb,2024-01,2,0\n"
MONTH_HEADER, _, _ = MONTHS.partition(b"a,")
DAYS = [f"2024-01-{day:02d}" for day in range(10, 16)]
DAY_ROWS = tuple((f"k{place}", day, 1, 1) for place, day in enumerate(DAYS))
DAY_LINES = b"".join(b"k%d,%b,1,1\n" % (place, day.encode()) for place, day in enumerate(DAYS))


def periods(*texts: str, row: str) -> Case:
    """A time column of texts that are taken as they are."""
    lines = b"".join(b"k%d,%b,1,1\n" % (place, text.encode()) for place, text in enumerate(texts))
    rows = tuple((f"k{place}", text, 1, 1) for place, text in enumerate(texts))
    return Case(row=row, content=MONTH_HEADER + lines, before=(MONTHS,), settings=TIMED, rows=rows)


def day_fault(cell: str, *, row: str, code: str) -> Case:
    """A cell in the time column that sets its row aside."""
    return Case(
        row=row,
        content=MONTH_HEADER + DAY_LINES + b"late,%b,1,1\n" % cell.encode(),
        before=(MONTHS,),
        settings=TIMED,
        rows=DAY_ROWS,
        rejected=((8, "month", code, cell),),
    )


LABELS = (
    Case(
        row="labels-spelled-otherwise",
        content=SPELLED,
        rows=tuple((f"k{place}", place + 1, 1.5, "basic", int(place < 3)) for place in range(4)),
    ),
    Case(
        row="booleans-as-labels",
        content=HEADER + b"k0,1,1.5,basic,TRUE\nk1,2,1.5,basic,False\n",
        before=(),
        settings={"dataset": {"positive_label": True}},
        rows=(("k0", 1, 1.5, "basic", "true"), ("k1", 2, 1.5, "basic", "false")),
        notes=(STAYED,),
    ),
    Case(
        row="second-label",
        content=HEADER + b"k0,1,1.5,basic,0\n",
        before=(HEADER + b"a,1,1.5,basic,1\n",),
        rows=(("k0", 1, 1.5, "basic", 0),),
        notes=(STAYED,),
    ),
    with_faults(b"k5,15,5.5,basic,2", row="third-label", fault=("exited", "unknown_label", "2")),
    with_faults(b"k5,15,5.5,basic,yes", row="third-label", fault=("exited", "unknown_label", "yes")),
    Case(
        row="two-other-labels",
        content=HEADER + b"k0,1,1.5,basic,yes\nk1,2,1.5,basic,no\n",
        before=(),
        state=FileState.QUARANTINED,
        code="labels",
        says="'no', 'yes'",
    ),
    Case(
        row="blank-labels",
        content=HEADER + b"k0,1,1.5,basic,\nk1,2,1.5,basic, \n",
        state=FileState.WAITING,
        code="no_model_yet",
        rows=(("k0", 1, 1.5, "basic", None), ("k1", 2, 1.5, "basic", None)),
    ),
    Case(
        row="blank-labels",
        content=b"corporation,visits,spend,plan\nk0,1,1.5,basic\n",
        state=FileState.WAITING,
        code="no_model_yet",
        rows=(("k0", 1, 1.5, "basic", None),),
    ),
    refused(
        b"corporation,exited\nnobody,1\n",
        row="labels-of-unknown-clients",
        code="unknown_clients",
        says="1 of 1 labels",
    ),
)

DATES = (
    periods("2024-02-29", "2024-03", "2024", row="periods"),
    periods("Q1 2024", "29.02.2024", "May", row="periods"),
    day_fault("2024-02-30", row="impossible-date", code="impossible_date"),
    day_fault("2023-02-29", row="impossible-date", code="impossible_date"),
    day_fault("2024-13-01", row="impossible-date", code="impossible_date"),
    day_fault(" ", row="missing-time", code="missing_time"),
    Case(
        row="impossible-date-elsewhere",
        content=HEADER + b"k0,10,0.5,2024-02-30,1\n",
        rows=(("k0", 10, 0.5, "2024-02-30", 1),),
    ),
)

CASES = LABELS + DATES
