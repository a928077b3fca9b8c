"""What all tests share: matplotlib draws without a screen."""

from __future__ import annotations

import os

os.environ.setdefault("MPLBACKEND", "Agg")
