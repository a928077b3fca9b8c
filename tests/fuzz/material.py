"""What the fuzz puts into cells: whatever has ever been misread."""

from __future__ import annotations

# fmt: off
#: Where a number belongs.
NUMBERS = (
    "0", "1", "-1", "+5", "007", "-0", ".5", "5.", "1e3", "1E-2", "1e400", "-1e400", "1e-400", "4e492493924924",
    "inf", "-inf", "Infinity", "nan", "NaN", "-nan", "NA", "N/A", "null", "None", "-", "+", ".", "?", "0x1F",
    "0XfF", "1_000", "\u0661\u0662", "\uff11\uff12", "$5", "5%", "5\u20ac", "\u20ac5", "true", "FALSE", "yes",
    "9007199254740992", "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "-9223372036854775809", "18446744073709551616", "1.7976931348623157e308", "1.8e308", "1,5", "1,234", "12,345",
    "1,234,567", "1,234.5", "1.234", "1.234,5", "1.234.567", "1,2,3", "0,5", "-1,5", "1'234", "1\u2019234.5", "1e",
    "1e+", "e5", "1.5.5", "--1", "+-1", "1-", "0.1", "123456789012345678901234567890", "2024-01-05", "5e-324",
    "2.2250738585072011e-308", "0.30000000000000004", "", " ", "  7 ", "\t8", "1 234", "1\xa0234,5", "1\u202f234",
    "- 5", "1 2", "5 \u20ac", "\ufeff5", "\uff11", "\u2009", "NA ", " - ",
)
#: Where a text belongs, or an id.
TEXTS = (
    "basic", "extra", "x", "NA", "NULL", "None", "null", "nan", "-", "?", "007", "4e492493924924", "1e400", "true",
    "\xe9", "M\xfcller", "\u65e5\u672c", "na\xefve", "\u20ac", "\u2019", "\u017f", "K", "\xdf", "\u0130", "", " ",
    "a b", " padded ", "\xa0", "\u2028", "a\ufeffb", "\ufeff", "\ufeffx", "\x1a", "\x1b", "\x85", "\U0001f600",
    "a;b", "a|b", "a\tb", "a,b", "a\"b", "two\nlines", "cr\rlf\r\nboth", "'", "sep=;", "\x7f",
)
#: Where a period belongs.
TIMES = (
    "2024-01", "2024-02-29", "2023-02-29", "2024-02-30", "2024-13-01", "2024-00-10", "0000-01-01", "0000-02-30",
    "9999-12-31", "2024-1-5", "Q1", "May", "7", "2024-01-05T10:00", "2024-02-30T10:00", "", " ", " 2024-01-05 ",
    " 2024-02-30", "2024-02-30 10:00", "2024-02-30x", "2024-01-05",
)
#: Where a label belongs.
LABELS = (
    "1", "0", "1.0", "0.0", "+1", "1e0", "2", "-1", "yes", "no", "true", "00", "01", "", " ", " 1", "1 ",
)
#: Files with hardly anything in them.
TINY = (
    b"", b"\n", b"\r", b",", b'"', b'""', b"sep=;", b"sep=;\n", b'"sep=;"', b"sep=", b"id", b"id,left",
    b"id,left\n", b"id\n\n", b"\xef\xbb\xbf", b"\xef\xbb", b"\xff\xfe", b"\xff\xfe\x00\x00", b"\x1a", b"\x1f\x8b",
    b"\x1f", b"\x00", b"\xe9", b"{", b"<", b"a\rb", b"id,visits,left\n,,", b"id,visits,left\n\r\n,,\r,,",
    b"visits\n1", b"visits\n\n1\n\n", b'visits\n""\n1\n', b"visits\n ", b"visits\n\xc2\xa0\n",
)
# fmt: on
