"""A column of texts in which each text is held once: what is asked of texts is asked of a few, not of every row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEW_TEXTS = 1_000
"""So many texts are asked of as fast as they are left out."""


@dataclass(frozen=True, slots=True, eq=False)
class CodedTexts:
    """Row i has ``texts[codes[i]]``; None is missing. A text may stand twice, or be that of no row. ``codes``: intp[n].

    ``numpy.asarray`` makes an object array of it.
    """

    texts: Sequence[str | None]
    codes: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: slice) -> CodedTexts:
        """Some rows, with no more texts than rows where most of the texts are of others."""
        codes = self.codes[rows]
        if len(self.texts) <= max(len(codes), FEW_TEXTS):
            return CodedTexts(self.texts, codes)
        return CodedTexts([self.texts[code] for code in codes.tolist()], np.arange(len(codes)))

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> NDArray[np.object_]:
        each = np.empty(len(self.texts), dtype=object)
        each[:] = self.texts
        return each[self.codes]

    def tolist(self) -> list[str | None]:
        """The text of each row."""
        rows: list[str | None] = np.asarray(self).tolist()
        return rows

    def among(self, some: frozenset[str | None]) -> NDArray[np.bool_]:
        """Which rows have one of these, bool[n]."""
        return np.fromiter((text in some for text in self.texts), np.bool_, len(self.texts))[self.codes]


def joined(parts: Sequence[CodedTexts]) -> CodedTexts:
    """The rows of all parts, behind each other."""
    texts: list[str | None] = []
    codes = []
    for part in parts:
        codes.append(part.codes + len(texts))
        texts += part.texts
    return CodedTexts(texts, np.concatenate(codes))
