"""Row hashes as the bytes that an old ledger kept them in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]


def hash_bytes(hashes: Words) -> list[bytes]:
    """Return each hash as 16 bytes, A then B, big endian: the order of the bytes is that of the numbers."""
    packed = hashes.astype(">u8").tobytes()
    return [packed[at : at + 16] for at in range(0, len(packed), 16)]
