"""`python -m tests.golden` adds what is new in the catalogue to actions.json; it refuses removals."""

import sys

from tests.golden.actions import main

sys.exit(main())
