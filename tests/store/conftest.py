"""What tests of the store share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from minutebook.store import migrate


@pytest.fixture
def with_a_second_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program as it will be when there is a second schema; the file that makes it."""
    migrations = tmp_path / "a program of 100 %" / "migrations"
    shutil.copytree(migrate.MIGRATIONS, migrations, ignore=shutil.ignore_patterns("__pycache__"))
    second = migrations / "versions" / "0002_second.py"
    second.write_text(
        "from alembic import op\n"
        "import sqlalchemy as sa\n"
        "revision, down_revision, branch_labels, depends_on = '0002', '0001', None, None\n"
        "def upgrade():\n"
        "    op.add_column('link', sa.Column('note', sa.Text()))\n"
        "    op.create_table('later', sa.Column('id', sa.Integer(), primary_key=True))\n"
    )
    monkeypatch.setattr(migrate, "MIGRATIONS", migrations)
    monkeypatch.setattr(migrate, "REVISION", "0002")
    return second
