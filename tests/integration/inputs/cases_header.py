"""The header: names, their spelling and order, what is missing and what is new; files with hardly anything in them."""

from __future__ import annotations

from handlers.domain.files import FileState
from tests.integration.inputs.case import GOOD, GOOD_ROWS, HEADER, KNOWN, Case, good, refused

WIDER = b"corporation,visits,spend,plan,exited,seats\nw,1,1.5,basic,1,7\n"
NO_IDS = {"dataset": {"id_column": None}}

NAMES = (
    good(GOOD.replace(b"visits", b"VISITS"), row="other-case", notes=("'VISITS' was taken for 'visits'",)),
    good(
        GOOD.replace(b"visits,spend", b" visits,spend "),
        row="spaces-around-names",
        notes=("Spaces around column names were removed",),
    ),
    Case(
        row="other-order",
        content=b"exited,plan,corporation,spend,visits\n1,basic,k0,0.5,10\n",
        rows=(("k0", 10, 0.5, "basic", 1),),
    ),
    Case(
        row="extra-column",
        content=WIDER,
        rows=(("w", 1, 1.5, "basic", 1, 7),),
        notes=("Column 'seats' is new, as integer",),
    ),
    Case(
        row="optional-column-missing",
        content=GOOD,
        before=(KNOWN, WIDER),
        rows=tuple((*row, None) for row in GOOD_ROWS),
        notes=("Column 'seats' is not in the file: its cells are missing",),
    ),
    refused(
        HEADER.replace(b"spend", b"visits") + b"k0,10,11,basic,1\n",
        row="duplicate-column",
        code="duplicate_header",
        says="'visits'",
    ),
    Case(
        row="extra-column",
        content=HEADER.replace(b"exited", b"Visits,exited") + b"k0,10,1,basic,11,1\n",
        rows=(("k0", 10, 1.0, "basic", 1, 11),),
        notes=("Column 'Visits' is new, as integer",),
    ),
    refused(b"corporation,visits,,plan,exited\nk0,10,1.5,basic,1\n", row="blank-name", code="blank_header", says="3"),
    refused(
        b"corporation,visits,spend,plan,exited,__line__\nk0,10,1.5,basic,1,1\n",
        row="reserved-name",
        code="reserved_header",
        says="'__line__'",
    ),
    refused(
        b"corporation,spend,plan,exited\nk0,1.5,basic,1\n",
        row="missing-column",
        code="missing_column",
        says="Column 'visits' is missing",
    ),
    refused(
        b"visits,spend,plan,exited\n1,1.5,basic,1\n",
        row="missing-column",
        code="missing_column",
        says="Column 'corporation' is missing",
    ),
    refused(
        HEADER.replace(b"visits", b"visit") + b"k0,10,1.5,basic,1\n",
        row="renamed-column",
        code="missing_column",
        says="The nearest there is 'visit'",
    ),
    refused(
        HEADER.replace(b"exited", b"exitted") + b"k0,10,1.5,basic,1\n",
        row="misspelt-target",
        code="missing_column",
        says="The nearest there is 'exitted'",
    ),
    refused(GOOD.removeprefix(HEADER), row="no-header", code="no_header", says="looks like data", lines=(1,)),
)

LITTLE = (
    refused(HEADER, row="header-only", code="no_rows", says="a header and no rows"),
    refused(HEADER.rstrip() + b"\r\n\r\n", row="header-only", code="no_rows", says="a header and no rows"),
    refused(b"", row="empty-file", code="empty", says="empty"),
    refused(b"\xef\xbb\xbf\n \r\n", row="empty-file", code="empty", says="empty"),
    refused(b"sep=;", row="sep-line-alone", code="header", says="column names"),
    refused(b"sep=;\r\n\r\n", row="sep-line-alone", code="header", says="column names"),
    refused(b"corporation\nk0\n", row="one-column", code="missing_column", says="'visits', 'spend', 'plan'"),
    Case(
        row="one-column",
        content=b"corporation\nk0\n",
        before=(),
        state=FileState.QUARANTINED,
        code="no_features",
        says="no column to learn from",
    ),
    Case(
        row="one-column-without-ids",
        content=b"visits\n1\n2\n",
        before=(),
        settings=NO_IDS,
        state=FileState.WAITING,
        code="no_model_yet",
        rows=((1,), (2,)),
    ),
)

CASES = NAMES + LITTLE
