"""Files for the fuzz: made well from a seed, then spoiled in one way or several."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable

from handlers.domain.schema import DatasetSettings, Schema
from tests.fuzz.houses import HOUSES
from tests.fuzz.material import LABELS, NUMBERS, TEXTS, TIMES, TINY

COMMON_LABELS = ("1", "0")

RARELY = 0.03
Rows = list[list[str]]


def house(chance: random.Random) -> tuple[Schema, DatasetSettings]:
    """A schema and the settings that it belongs to."""
    return chance.choice(HOUSES)


def make(chance: random.Random, schema: Schema, settings: DatasetSettings) -> bytes:
    """A file for this schema, mostly with something wrong with it."""
    if chance.random() < RARELY:
        return chance.choice(TINY) + chance.choice(TINY)
    rows = _rows(chance, schema, settings)
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        chance.choice(ROW_CHANGES)(chance, rows)
    text = _text(chance, rows)
    for _ in range(chance.choice((0, 0, 0, 0, 0, 1, 1, 2))):
        text = chance.choice(TEXT_CHANGES)(chance, text)
    content = _encoded(chance, text)
    for _ in range(chance.choice((0, 0, 0, 0, 0, 0, 0, 0, 1, 2))):
        content = chance.choice(BYTE_CHANGES)(chance, content)
    if chance.random() < 0.06:
        content = _packed(chance, content)
    return content


def _rows(chance: random.Random, schema: Schema, settings: DatasetSettings) -> Rows:
    """A header and rows that are mostly good: most columns hold one kind of cell, some one odd cell."""
    names = [column.name for column in schema.columns if column.name != "seats" or chance.random() < 0.3]
    if not names:
        names = ["id", "month", "visits", "spend", "plan", "left"]
        if settings.time_column is None:
            names.remove("month")
    if chance.random() < 0.05:
        names = [name for name in names if name in ("id", "left", "month")]
    if chance.random() < 0.1:
        names.append(chance.choice(("extra", "VISITS", "plan2", "x y")))
    if chance.random() < 0.2:
        chance.shuffle(names)
    count = chance.choice((1, 2, 3, 5, 8, 13, 30, 80))
    odd = chance.choice((0.0, 0.0, 0.0, 0.01, 0.02, 0.05, 0.3))
    columns = [_column(chance, name, count, odd) for name in names]
    return [names, *(list(row) for row in zip(*columns, strict=True))]


def _column(chance: random.Random, name: str, count: int, odd: float) -> list[str]:
    """The cells of a column. ``odd``: how many of them may be anything of their kind."""
    if name == "id":
        return [chance.choice(TEXTS) if chance.random() < odd else f"k{row}" for row in range(count)]
    if name == "month":
        return [chance.choice(TIMES) if chance.random() < odd else "2024-01" for _ in range(count)]
    if name == "left":
        return [chance.choice(LABELS if chance.random() < odd else COMMON_LABELS) for _ in range(count)]
    if name in ("plan", "note"):
        return [chance.choice(TEXTS) if chance.random() < max(odd, 0.1) else "basic" for _ in range(count)]
    written = chance.choice(WAYS)
    cells = [written(chance) for _ in range(count)]
    return [chance.choice(NUMBERS) if chance.random() < odd else cell for cell in cells]


def _plain(chance: random.Random) -> str:
    return str(chance.randrange(-5, 5000))


def _fraction(chance: random.Random) -> str:
    return repr(chance.uniform(-1000, 1000)) if chance.random() < 0.5 else f"{chance.uniform(0, 99):.3f}"


def _grouped(chance: random.Random) -> str:
    return f"{chance.uniform(0, 5_000_000):,.{chance.choice((0, 0, 2, 3))}f}"


def _german(chance: random.Random) -> str:
    return _grouped(chance).translate(str.maketrans(",.", ".,"))


def _spaced(chance: random.Random) -> str:
    return _grouped(chance).replace(",", chance.choice(" \u00a0\u202f"))


def _swiss(chance: random.Random) -> str:
    return _grouped(chance).replace(",", chance.choice("'\u2019"))


def _decimal_comma(chance: random.Random) -> str:
    return f"{chance.uniform(-20, 2000):.{chance.choice((0, 1, 3))}f}".replace(".", ",")


def _any(chance: random.Random) -> str:
    return chance.choice(NUMBERS)


def _huge(chance: random.Random) -> str:
    return str(2**53 + chance.randrange(-3, 4)) if chance.random() < 0.5 else _plain(chance)


def _nothing(_chance: random.Random) -> str:
    return ""


WAYS = (
    *(_plain,) * 6,
    _fraction,
    _fraction,
    _grouped,
    _german,
    _spaced,
    _swiss,
    _decimal_comma,
    _any,
    _huge,
    _nothing,
)


def _shorter_row(chance: random.Random, rows: Rows) -> None:
    row = chance.choice(rows)
    del row[chance.randrange(len(row) + 1) :]


def _longer_row(chance: random.Random, rows: Rows) -> None:
    chance.choice(rows).extend([""] * chance.randrange(1, 4) + ["x"] * chance.randrange(2))


def _header_again(chance: random.Random, rows: Rows) -> None:
    rows.insert(chance.randrange(1, len(rows) + 1), list(rows[0]))


def _empty_row(chance: random.Random, rows: Rows) -> None:
    for _ in range(chance.randrange(1, 4)):
        place = chance.choice((1, len(rows), chance.randrange(1, len(rows) + 1)))
        rows.insert(place, chance.choice(([], [""] * len(rows[0]), ["  "])))


def _row_twice(chance: random.Random, rows: Rows) -> None:
    rows.append(list(chance.choice(rows)))


def _odd_name(chance: random.Random, rows: Rows) -> None:
    if rows[0]:
        place = chance.randrange(len(rows[0]))
        name = rows[0][place]
        odd = ("", name.upper(), f" {name} ", f"{name}s", name[:-1], "left", "5", "__row__", "a\nb", 'q"', "é", "K")
        rows[0][place] = chance.choice(odd)


def _no_header(_chance: random.Random, rows: Rows) -> None:
    if len(rows) > 1:
        del rows[0]


def _odd_cell(chance: random.Random, rows: Rows) -> None:
    row = chance.choice(rows[1:] or rows)
    if row:
        row[chance.randrange(len(row))] = chance.choice(NUMBERS + TEXTS)


def _only_column(chance: random.Random, rows: Rows) -> None:
    place = chance.randrange(max(len(rows[0]), 1))
    rows[:] = [row[place : place + 1] for row in rows]


ROW_CHANGES: tuple[Callable[[random.Random, Rows], None], ...] = (
    _shorter_row,
    _longer_row,
    _header_again,
    _empty_row,
    _empty_row,
    _row_twice,
    _odd_name,
    _no_header,
    _odd_cell,
    _odd_cell,
    _odd_cell,
    _only_column,
)


def _text(chance: random.Random, rows: Rows) -> str:
    """The rows as text, with one delimiter and one or several kinds of line ends."""
    delimiter = chance.choice(",,,,;;\t|")
    ends = chance.choice((["\n"], ["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r"]))
    always = chance.random() < 0.1
    lines = [delimiter.join(_cell(cell, delimiter, always=always) for cell in row) for row in rows]
    text = "".join(line + chance.choice(ends) for line in lines)
    if chance.random() < 0.15:
        text = text.rstrip("\r\n")
    if chance.random() < 0.03:
        text = f"sep={chance.choice((delimiter, delimiter, ';', 'x'))}{ends[0]}{text}"
    return text


def _cell(cell: str, delimiter: str, *, always: bool) -> str:
    if always or any(mark in cell for mark in ('"', "\r", "\n", delimiter)):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _insert(chance: random.Random, text: str) -> str:
    place = chance.randrange(len(text) + 1)
    odd = chance.choice(
        (",", ";", "\t", "|", '"', '""', "\n", "\r", "\r\n", "\n\n", " ", "\ufeff", "\0", "'", "\u2028", "\x0b", "\x1a")
    )
    return text[:place] + odd + text[place:]


def _delete(chance: random.Random, text: str) -> str:
    place = chance.randrange(len(text) + 1)
    return text[:place] + text[place + chance.choice((1, 1, 2, 10)) :]


def _repeat(chance: random.Random, text: str) -> str:
    place = chance.randrange(len(text) + 1)
    return text[:place] + text[place : place + chance.choice((1, 5, 50))] + text[place:]


def _blank_lines(chance: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    lines.insert(
        chance.randrange(len(lines) + 1), chance.choice(("\n", "  \n", "\r\n", "\t\n", ",\n", '""\n', "\n\n\n", "\r"))
    )
    return "".join(lines)


TEXT_CHANGES = (_insert, _insert, _delete, _repeat, _blank_lines)


def _encoded(chance: random.Random, text: str) -> bytes:
    encoding = chance.choice(
        ("utf-8",) * 30 + ("utf-8-sig", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252", "latin-1")
    )
    return text.encode(encoding, "replace")


def _flip(chance: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 3))):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _cut(chance: random.Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _joined(chance: random.Random, content: bytes) -> bytes:
    return content + chance.choice((content, b"\xef\xbb\xbf" + content, b"\x1a", b"\0", b"\n", b"\xe9", b"\xc3"))


BYTE_CHANGES = (_flip, _flip, _cut, _joined)


def _packed(chance: random.Random, content: bytes) -> bytes:
    place = chance.randrange(len(content) + 1)
    packed = gzip.compress(content[:place], mtime=0) + gzip.compress(content[place:], mtime=0)
    return chance.choice((packed, packed + b"\0\0\0", _cut(chance, packed), _flip(chance, packed)))
