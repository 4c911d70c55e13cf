"""`python -m tests.golden` writes the catalogue to actions.json; it refuses to change what was shipped."""

import sys

from tests.golden.actions import main

sys.exit(main())
