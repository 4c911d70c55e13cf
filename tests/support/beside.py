"""Where the custody of a store that is tested is kept."""

import shutil
import tempfile
import weakref
from pathlib import Path

from minutebook.store.engine import Store


def custody_beside(store: Store, owner: object) -> Path:
    """Beside a SQLite file, else in a new directory that is removed with `owner`."""
    if store.is_sqlite:
        return store.file.parent / "custody"
    elsewhere = tempfile.mkdtemp(prefix="minutebook-custody-")
    weakref.finalize(owner, shutil.rmtree, elsewhere, ignore_errors=True)
    return Path(elsewhere) / "custody"
