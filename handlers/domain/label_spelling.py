"""One spelling for labels that are equal by value; without pyarrow, because the configuration is read by it too."""

from __future__ import annotations

import re

from handlers.domain.number_styles import NUMBER

_NUMBER = re.compile(NUMBER)


def canonical_label(value: str | float | bool) -> str:
    """Return one spelling for labels that are equal by value: 1, "1", "1.0" and " 1 " are "1"; true and "True" "true".

    Other text stands for itself, without the spaces around it.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value).strip()
    if text.casefold() in ("true", "false"):
        return text.casefold()
    if not _NUMBER.match(text):
        return text
    # Python refuses to read integers of more than 4,300 digits; no label has 300.
    if re.fullmatch(r"[+-]?[0-9]{1,300}(\.0*)?", text):
        return str(int(text.partition(".")[0]))
    number = float(text)
    return str(int(number)) if number.is_integer() else repr(number)
