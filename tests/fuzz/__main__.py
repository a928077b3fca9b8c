"""``python -m tests.fuzz``; see ``long_run``."""

from __future__ import annotations

import sys

from tests.fuzz.long_run import main

sys.exit(main())
