"""Whether the long scenarios run in their full form, by `make test FULL=1`, or in a short one."""

from __future__ import annotations

import os

FULL = os.environ.get("FULL", "") not in {"", "0"}
