"""The first schema.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

from minutebook.store import guard

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

GUARDED = (
    "organization",
    "seat",
    "access",
    "invitation",
    "setting",
    "mode",
    "credit_entry",
    "sso_domain",
    "sitting",
    "saved_search",
    "auditor_link",
    "token",
    "support_grant",
    "retention",
    "hold",
    "clock_step",
    "generation",
    "deletion",
)


def upgrade() -> None:
    """Creates every table, then the guard."""
    op.create_table(
        "event",
        sa.Column(
            "position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("disclosures", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("position >> 40 = organization", name=op.f("ck_event_position")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_event")),
    )
    op.create_table(
        "log_head",
        sa.Column("organization", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("log_id", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("organization > 0 AND organization < 8388608", name=op.f("ck_log_head_organization")),
        sa.CheckConstraint(
            "size >= 0 AND size < 1099511627776 AND CAST(size AS BIGINT) = size", name=op.f("ck_log_head_size")
        ),
        sa.PrimaryKeyConstraint("organization", name=op.f("pk_log_head")),
        sa.UniqueConstraint("log_id", name=op.f("uq_log_head_log_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "block",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=24), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["organization"], ["log_head.organization"], name=op.f("fk_block_organization")),
        sa.PrimaryKeyConstraint("organization", "name", "number", name=op.f("pk_block")),
    )
    op.create_table(
        "stripe",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_stripe")),
    )
    op.create_table(
        "event_text",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("texts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_event_text")),
    )
    op.create_table(
        "event_marks",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_event_marks")),
    )
    if op.get_bind().dialect.name == "postgresql":  # all of that is as small as it gets
        op.execute("ALTER TABLE block ALTER content SET STORAGE EXTERNAL")
        op.execute("ALTER TABLE stripe ALTER content SET STORAGE EXTERNAL")
        op.execute("ALTER TABLE event_text ALTER texts SET STORAGE EXTERNAL")
        op.execute("ALTER TABLE event_marks ALTER marks SET STORAGE PLAIN")
    op.create_table(
        "log_index",
        sa.Column("organization", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("texts", sa.BigInteger(), nullable=False),
        sa.Column("blocks", sa.BigInteger(), nullable=False),
        sa.Column("stripes", sa.BigInteger(), nullable=False),
        sa.Column("rewritten", sa.BigInteger(), nullable=False),
        sa.Column("pruned", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organization"], ["log_head.organization"], name=op.f("fk_log_index_organization")),
        sa.PrimaryKeyConstraint("organization", name=op.f("pk_log_index")),
    )
    op.create_table(
        "tile",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "level", "number", name=op.f("pk_tile")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "checkpoint",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("signatures", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "size", name=op.f("pk_checkpoint")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "anchor_entry",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("log_id", sa.String(length=64), nullable=False),
        sa.Column("previous_size", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_anchor_entry")),
    )
    op.create_index(op.f("ix_anchor_entry_log_id_number"), "anchor_entry", ["log_id", "number"], unique=False)
    op.create_table(
        "anchor_head",
        sa.Column("log_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", name=op.f("pk_anchor_head")),
    )
    op.create_table(
        "anchor",
        sa.Column("log_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("log_id", "kind", "name", "state", "size", name=op.f("pk_anchor")),
    )
    op.create_index(op.f("ix_anchor_log_id_at"), "anchor", ["log_id", "at"], unique=False)
    op.create_table(
        "deployment_key",
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", name=op.f("pk_deployment_key")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("about", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("next_try_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("caused_by", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(op.f("ix_outbox_about"), "outbox", ["about"], unique=False)
    op.create_table(
        "token_use",
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_token_use")),
    )
    op.create_table(
        "user",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
    )
    op.create_table(
        "act",
        sa.Column(
            "position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["position"], ["event.position"], name=op.f("fk_act_position"), initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_act")),
    )
    op.create_table(
        "link",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("user", sa.String(length=32), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name=op.f("fk_link_user")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_link")),
    )
    op.create_table(
        "organization",
        sa.Column("organization", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("plan", sa.String(length=16), nullable=False),
        sa.Column("seat_limit", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organization"], ["log_head.organization"], name=op.f("fk_organization_organization")),
        sa.PrimaryKeyConstraint("organization", name=op.f("pk_organization")),
        sa.UniqueConstraint("id", name=op.f("uq_organization_id")),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user", sa.String(length=32), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("second_factor", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name=op.f("fk_session_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_session_token_hash")),
    )
    op.create_index(op.f("ix_session_user"), "session", ["user"], unique=False)
    op.create_table(
        "totp",
        sa.Column("user", sa.String(length=32), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name=op.f("fk_totp_user")),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_totp")),
    )
    op.create_table(
        "passkey",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("signed", sa.BigInteger(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name=op.f("fk_passkey_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential", name=op.f("uq_passkey_credential")),
    )
    op.create_index(op.f("ix_passkey_user"), "passkey", ["user"], unique=False)
    op.create_table(
        "recovery_code",
        sa.Column("user", sa.String(length=32), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name=op.f("fk_recovery_code_user")),
        sa.PrimaryKeyConstraint("user", "code_hash", name=op.f("pk_recovery_code")),
    )
    op.create_table(
        "ceremony",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("user", sa.String(length=32), nullable=True),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name=op.f("fk_ceremony_user")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_ceremony")),
    )
    op.create_index(op.f("ix_ceremony_user"), "ceremony", ["user"], unique=False)
    op.create_table(
        "access",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("session", sa.String(length=32), nullable=False),
        sa.Column("user", sa.String(length=32), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organization"], ["organization.organization"], name=op.f("fk_access_organization")),
        sa.PrimaryKeyConstraint("organization", "session", name=op.f("pk_access")),
    )
    op.create_index(op.f("ix_access_session"), "access", ["session"], unique=False)
    op.create_table(
        "auditor_link",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization"], ["organization.organization"], name=op.f("fk_auditor_link_organization")
        ),
        sa.PrimaryKeyConstraint("organization", "id", name=op.f("pk_auditor_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_auditor_link_token_hash")),
    )
    op.create_table(
        "support_grant",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user", sa.String(length=32), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("may", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization"], ["organization.organization"], name=op.f("fk_support_grant_organization")
        ),
        sa.PrimaryKeyConstraint("organization", "id", name=op.f("pk_support_grant")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_support_grant_token_hash")),
    )
    op.create_table(
        "staff",
        sa.Column("user", sa.String(length=32), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name=op.f("fk_staff_user")),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_staff")),
    )
    op.create_table(
        "auditor_session",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auditor_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_auditor_session_token_hash")),
    )
    op.create_table(
        "credit_entry",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_credit_entry_balance")),
        sa.ForeignKeyConstraint(
            ["organization"], ["organization.organization"], name=op.f("fk_credit_entry_organization")
        ),
        sa.PrimaryKeyConstraint("organization", "reference", name=op.f("pk_credit_entry")),
    )
    op.create_table(
        "deletion",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organization"], ["organization.organization"], name=op.f("fk_deletion_organization")),
        sa.PrimaryKeyConstraint("organization", name=op.f("pk_deletion")),
    )
    op.create_table(
        "generation",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("log_id", sa.String(length=64), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization"], ["organization.organization"], name=op.f("fk_generation_organization")
        ),
        sa.PrimaryKeyConstraint("organization", "log_id", name=op.f("pk_generation")),
    )
    op.create_table(
        "invitation",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("mailed_token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("invited_by", sa.Text(), nullable=False),
        sa.Column("inviter", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization"], ["organization.organization"], name=op.f("fk_invitation_organization")
        ),
        sa.PrimaryKeyConstraint("organization", "id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("mailed_token_hash", name=op.f("uq_invitation_mailed_token_hash")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_index(op.f("ix_invitation_organization_email"), "invitation", ["organization", "email"], unique=True)
    op.create_table(
        "mode",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("instructions", sa.Text(), nullable=False),
        sa.Column("tools", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organization"], ["organization.organization"], name=op.f("fk_mode_organization")),
        sa.PrimaryKeyConstraint("organization", "id", name=op.f("pk_mode")),
    )
    op.create_index(op.f("ix_mode_organization_name_key"), "mode", ["organization", "name_key"], unique=True)
    op.create_table(
        "saved_search",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("shelf", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("saved_by", sa.String(length=32), nullable=False),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization"], ["organization.organization"], name=op.f("fk_saved_search_organization")
        ),
        sa.PrimaryKeyConstraint("organization", "id", name=op.f("pk_saved_search")),
    )
    op.create_index(
        op.f("ix_saved_search_organization_shelf_name_key"),
        "saved_search",
        ["organization", "shelf", "name_key"],
        unique=True,
    )
    op.create_table(
        "seat",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("user", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organization"], ["organization.organization"], name=op.f("fk_seat_organization")),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name=op.f("fk_seat_user")),
        sa.PrimaryKeyConstraint("organization", "user", name=op.f("pk_seat")),
    )
    op.create_index(op.f("ix_seat_user"), "seat", ["user"], unique=False)
    op.create_table(
        "setting",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["organization"], ["organization.organization"], name=op.f("fk_setting_organization")),
        sa.PrimaryKeyConstraint("organization", "name", name=op.f("pk_setting")),
    )
    op.create_table(
        "sitting",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("session", sa.String(length=32), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organization"], ["organization.organization"], name=op.f("fk_sitting_organization")),
        sa.PrimaryKeyConstraint("organization", "session", name=op.f("pk_sitting")),
    )
    op.create_table(
        "sso_domain",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization"], ["organization.organization"], name=op.f("fk_sso_domain_organization")
        ),
        sa.PrimaryKeyConstraint("organization", name=op.f("pk_sso_domain")),
    )
    op.create_index(
        "ix_sso_domain_verified",
        "sso_domain",
        ["domain"],
        unique=True,
        sqlite_where=sa.text("verified_at IS NOT NULL"),
        postgresql_where=sa.text("verified_at IS NOT NULL"),
    )
    op.create_table(
        "domain_check",
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_domain_check")),
    )
    op.create_table(
        "token",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("creator", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organization"], ["organization.organization"], name=op.f("fk_token_organization")),
        sa.PrimaryKeyConstraint("organization", "id", name=op.f("pk_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_token_token_hash")),
    )
    op.create_table(
        "purge",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organization"], ["log_head.organization"], name=op.f("fk_purge_organization")),
        sa.PrimaryKeyConstraint("organization", "number", name=op.f("pk_purge")),
    )
    op.create_table(
        "retention",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("family", sa.String(length=32), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization"], ["organization.organization"], name=op.f("fk_retention_organization")
        ),
        sa.PrimaryKeyConstraint("organization", "family", name=op.f("pk_retention")),
    )
    op.create_table(
        "hold",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organization"], ["organization.organization"], name=op.f("fk_hold_organization")),
        sa.PrimaryKeyConstraint("organization", "id", name=op.f("pk_hold")),
    )
    op.create_table(
        "clock_step",
        sa.Column("organization", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization"], ["organization.organization"], name=op.f("fk_clock_step_organization")
        ),
        sa.PrimaryKeyConstraint("organization", name=op.f("pk_clock_step")),
    )
    guard.install(op.get_bind(), GUARDED)
