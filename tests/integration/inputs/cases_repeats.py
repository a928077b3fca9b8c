"""Rows and files that come again: counted once, whatever the name that they come under."""

from __future__ import annotations

import gzip

from handlers.domain.files import FileState
from tests.integration.inputs.case import GOOD, GOOD_ROWS, HEADER, KNOWN, Case

MORE = b"k5,15,5.5,basic,1\n"
MORE_ROW = ("k5", 15, 5.5, "basic", 1)

CASES = (
    Case(
        row="row-twice-in-a-file",
        content=GOOD + b"k1,11,1.5,extra,0\n" + MORE,
        rows=(*GOOD_ROWS, MORE_ROW),
        duplicates=1,
    ),
    Case(
        row="row-in-two-files",
        content=HEADER + b"k1,+11,1.50,extra,0.0\n" + MORE,
        before=(KNOWN, GOOD),
        rows=(MORE_ROW,),
        duplicates=1,
    ),
    Case(
        row="row-in-two-files",
        content=b"plan,exited,corporation,spend,visits\nextra,0,k1,1.5,11\n" + b"basic,1,k5,5.5,15\n",
        before=(KNOWN, GOOD),
        rows=(MORE_ROW,),
        duplicates=1,
    ),
    Case(
        row="same-content-other-name",
        content=GOOD,
        name="other name.csv",
        before=(KNOWN, GOOD),
        state=FileState.DUPLICATE,
        code="known_content",
    ),
    Case(
        row="same-rows-packed",
        content=gzip.compress(GOOD + MORE, mtime=0),
        name="drop.csv.gz",
        before=(KNOWN, GOOD),
        rows=(MORE_ROW,),
        duplicates=5,
    ),
    Case(
        row="same-name-new-content",
        content=HEADER + MORE,
        name="before-1.csv",
        before=(KNOWN, GOOD),
        rows=(MORE_ROW,),
    ),
    Case(
        row="appended-after-it-was-taken",
        content=GOOD + MORE,
        name="before-1.csv",
        before=(KNOWN, GOOD),
        rows=(MORE_ROW,),
        duplicates=5,
    ),
    Case(
        row="duplicates-key",
        content=HEADER + b"k4,99,4.5,extra,1\n",
        before=(KNOWN, GOOD),
        settings={"dataset": {"duplicates": "key"}},
        rows=(("k4", 99, 4.5, "extra", 1),),
        replaces=1,
    ),
    Case(
        row="duplicates-none",
        content=HEADER + b"k1,11,1.5,extra,0\nk1,11,1.5,extra,0\n",
        before=(KNOWN, GOOD),
        settings={"dataset": {"duplicates": "none"}},
        rows=(GOOD_ROWS[1], GOOD_ROWS[1]),
    ),
)
