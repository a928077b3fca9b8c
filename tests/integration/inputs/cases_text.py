"""Files as text: character sets, line ends, delimiters, quotes, rows of another length, empty lines."""

from __future__ import annotations

from handlers.domain.files import FileState
from tests.integration.inputs.case import GOOD, GOOD_ROWS, HEADER, STAYED, Case, good, refused, with_faults

TEXT = GOOD.decode()
ACCENT = HEADER.decode() + "Müller,10,0.5,café,1\nk1,11,1.5,extra,0\n"
ACCENT_ROWS = (("Müller", 10, 0.5, "café", 1), ("k1", 11, 1.5, "extra", 0))
QUOTED = "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in TEXT.splitlines()).encode()

CHARACTERS = (
    Case(row="utf-8", content=ACCENT.encode(), rows=ACCENT_ROWS),
    good(b"\xef\xbb\xbf" + GOOD, row="utf-8-bom"),
    Case(
        row="bom-inside",
        content=HEADER + b"\xef\xbb\xbfk,10,0.5,basic,1\nk\xef\xbb\xbf,10,0.5,\xef\xbb\xbf,0\n",
        rows=(("\ufeffk", 10, 0.5, "basic", 1), ("k\ufeff", 10, 0.5, "\ufeff", 0)),
    ),
    Case(
        row="bom-inside",
        content=b"\xef\xbb\xbf" + HEADER + b"\xef\xbb\xbfk,10,0.5,basic,1\n",
        rows=(("\ufeffk", 10, 0.5, "basic", 1),),
    ),
    good(TEXT.encode("utf-16"), row="utf-16", notes=("The file was read as UTF-16",)),
    good(b"\xfe\xff" + TEXT.encode("utf-16-be"), row="utf-16", notes=("The file was read as UTF-16",)),
    good(TEXT.encode("utf-32"), row="utf-32", notes=("The file was read as UTF-32",)),
    refused(TEXT.encode("utf-16-le"), row="utf-16-without-bom", code="nul_bytes", says="UTF-16"),
    refused(TEXT.encode("utf-16-be"), row="utf-16-without-bom", code="nul_bytes", says="UTF-16"),
    refused(TEXT.encode("utf-16")[:-1], row="broken-utf-16", code="encoding", says="UTF-16"),
    Case(row="windows-1252", content=ACCENT.encode("cp1252"), rows=ACCENT_ROWS, notes=("it was read as Windows-1252",)),
    Case(
        row="latin-1",
        content=HEADER + b"M\xfcller,10,0.5,caf\xe9,1\nk\x81,11,1.5,extra,0\n",
        rows=(("Müller", 10, 0.5, "café", 1), ("k\x81", 11, 1.5, "extra", 0)),
        notes=("it was read as Latin-1",),
    ),
    refused(
        HEADER + "Müller,10,0.5,basic,1\n".encode() + "Öz,11,1.5,extra,0\n".encode("latin-1"),
        row="mixed-encodings",
        code="encoding",
        says="line 3",
    ),
    refused(
        ACCENT.encode() + "k2,12,2.5,é".encode()[:-1], row="cut-character", code="truncated", says="line 4", lines=(4,)
    ),
    refused(GOOD.replace(b"k3", b"k\x003"), row="nul", code="nul_bytes", says="line 5", lines=(5,)),
    refused(HEADER + b"\xe9\x01\x02\x03,1,1,basic,1\n", row="control-bytes", code="not_text", says="Line 2"),
    good(GOOD + b"\x1a", row="dos-end"),
)

LINES = (
    good(GOOD, row="lf"),
    good(GOOD.replace(b"\n", b"\r\n"), row="crlf"),
    good(GOOD.replace(b"\n", b"\r"), row="cr"),
    good(GOOD.replace(b"\n", b"\r\n", 2).replace(b"\nk3", b"\rk3"), row="mixed-line-ends"),
    good(GOOD.rstrip(b"\n"), row="no-last-line-end"),
    good(b"\n  \n" + GOOD.replace(b"\nk2", b"\n\r\n\n \t\nk2") + b"\n\n", row="empty-lines"),
    Case(
        row="row-without-values",
        content=b"visits,spend,exited\n1,0.5,1\n,,\n2,0.5,0\n",
        before=(),
        settings={"dataset": {"id_column": None}},
        rows=((1, 0.5, 1), (None, None, None), (2, 0.5, 0)),
        notes=(STAYED,),
    ),
    good(
        GOOD + b",,,,\n\n,,,,\n",
        row="rows-without-values-below",
        notes=("rows without any value at the end of the file were left out",),
    ),
)

DELIMITERS = (
    good(GOOD, row="comma"),
    good(GOOD.replace(b",", b";"), row="semicolon", notes=("separated by a semicolon",)),
    good(GOOD.replace(b",", b"\t"), row="tab", notes=("separated by a tab",)),
    good(GOOD.replace(b",", b"|"), row="vertical-bar", notes=("separated by a vertical bar",)),
    good(b"sep=;\n" + GOOD.replace(b",", b";"), row="sep-line", notes=("sep=",)),
    good(b"sep=|\r\n" + GOOD.replace(b",", b"|"), row="sep-line", notes=("sep=",)),
    Case(
        row="ambiguous-delimiter",
        content=b"a|id,b|c\n1|2,3|4\n",
        before=(),
        settings={"dataset": {"id_column": None}},
        state=FileState.QUARANTINED,
        code="delimiter",
        says="comma or vertical bar",
    ),
)

QUOTES = (
    good(QUOTED, row="quoted"),
    Case(
        row="quoted",
        content=HEADER + b'"a ""big"" one, really",10,"0.5","basic;1",1\n',
        rows=(('a "big" one, really', 10, 0.5, "basic;1", 1),),
    ),
    Case(
        row="line-break-in-quotes",
        content=HEADER + b'"one\ntwo",10,0.5,"x\r\ny",1\n"p\rq",11,0.5,basic,0\n',
        rows=(("one\ntwo", 10, 0.5, "x\r\ny", 1), ("p\rq", 11, 0.5, "basic", 0)),
    ),
    Case(
        row="line-numbers",
        content=HEADER + b'"one\ntwo",10,0.5,"x\r\ny",1\n' + GOOD.removeprefix(HEADER) + b"k5,bad,0.5,basic,1\n",
        rows=(("one\ntwo", 10, 0.5, "x\r\ny", 1), *GOOD_ROWS),
        rejected=((10, "visits", "not_a_number", "bad"),),
    ),
    Case(
        row="empty-quotes",
        content=HEADER + b'"k0","","","","1"\n',
        rows=(("k0", None, None, None, 1),),
    ),
    refused(GOOD + b'k5,15,5.5,"basic,1\n', row="open-quote", code="quotes", says="never closed", lines=(7,)),
    refused(GOOD + b'"k5,15,5.5,basic,1', row="open-quote", code="quotes", says="never closed", lines=(7,)),
    refused(GOOD + b'k5,15,5.5,a"b"c,1\n', row="quote-in-a-cell", code="quotes", says="line 7", lines=(7,)),
    refused(GOOD + b'k5,15,5.5,"b"c,1\n', row="quote-in-a-cell", code="quotes", says="line 7", lines=(7,)),
    refused(GOOD + b'k5,15,5.5, "b",1\n', row="quote-in-a-cell", code="quotes", says="line 7", lines=(7,)),
)

LENGTHS = (
    with_faults(b"k5,15", row="short-row", fault=("", "ragged", "k5,15")),
    with_faults(b"k5,15,5.5,basic,1,9,9", row="long-row", fault=("", "ragged", "k5,15,5.5,basic,1,9,9")),
    refused(GOOD + b"k5,15", row="cut-row", code="truncated", says="line", lines=(7,)),
    with_faults(HEADER.rstrip(b"\n"), row="repeated-header", fault=("corporation", "repeated_header", "corporation")),
    refused(
        GOOD + b"k5,15\nk6,many,5.5,basic,1\n",
        row="too-many-rows-set-aside",
        code="too_many_rejected",
        says="2 of 7 rows",
        lines=(7, 8),
    ),
)

CASES = CHARACTERS + LINES + DELIMITERS + QUOTES + LENGTHS
