"""The tables. Times are UTC microseconds, amounts are cents, `organization` is the number of an organization.

Four kinds, and each kind has its own door:

* the log (`log_head`, `event`, `act`): written by `store/log.py` and by the guard's triggers, only ever added to, but
  for what `store/erase.py` takes out of events;
* organization tables (`ORGANIZATION_TABLES`): changed by commands in `organization/` through `record.perform()`;
  the guard (`store/guard.py`) refuses to commit a change of theirs without its event;
* what was signed of the logs (`CUSTODY_TABLES`): written by `custody/`, as housekeeping;
* deployment tables (`user`, `session`, `totp`, `passkey`, `recovery_code`, `ceremony`, `auditor_session`, `link`,
  `staff`, `token_use`, `domain_check`, `outbox`, `deployment_key`): people and housekeeping.

Besides them what follows the record, so that it is found and proven: `log_index`, `block`, `stripe`, `event_text`,
`event_marks`, `purge` and `tile`. It is made from the events, never a source, and written by `store/index.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

SEQ_BITS = 40
"""An event's position is `organization << 40 | seq`: one integer that is the primary key on both databases, keeps the
events of an organization together in SQLite."""

ANCHOR = 0
"""Stands for an organization's number where the log is that of the deployment over all heads, the anchor log."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

BigId = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER PRIMARY KEY is SQLite's row id

# ── The log ──────────────────────────────────────────────────────────────────────────────────────────────────────────

log_head = Table(
    "log_head",
    metadata,
    Column("organization", BigId, primary_key=True),
    Column("log_id", String(64), nullable=False, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("peaks", LargeBinary, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    CheckConstraint("organization > 0 AND organization < 8388608", name="organization"),
    CheckConstraint(f"size >= 0 AND size < {1 << SEQ_BITS} AND CAST(size AS BIGINT) = size", name="size"),
    sqlite_autoincrement=True,
)

event = Table(
    "event",
    metadata,
    Column("position", BigId, primary_key=True, autoincrement=False),
    Column("organization", BigInteger, nullable=False),
    Column("id", String(36), nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("action", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    # the exact disclosures as `store/body.py` packs them, the secret behind their salts or what an erasure left of it
    # (`evidence/remains.py`), the hash that the tree holds; of a pruned event nothing but its place, times and hash
    Column("disclosures", LargeBinary, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    CheckConstraint(f"position >> {SEQ_BITS} = organization", name="position"),
)

act = Table(
    "act",
    metadata,
    Column(
        "position",
        BigId,
        ForeignKey("event.position", deferrable=True, initially="DEFERRED"),
        primary_key=True,
        autoincrement=False,
    ),
)

# ── What follows the record ──────────────────────────────────────────────────────────────────────────────────────────

log_index = Table(
    "log_index",
    metadata,
    Column("organization", BigInteger, ForeignKey("log_head.organization"), primary_key=True, autoincrement=False),
    Column("texts", BigInteger, nullable=False),
    Column("blocks", BigInteger, nullable=False),
    # of the block that comes next
    Column("stripes", BigInteger, nullable=False),
    # how often something was taken out of the log, and how many events were pruned
    Column("rewritten", BigInteger, nullable=False),
    Column("pruned", BigInteger, nullable=False),
)

# not WITHOUT ROWID: SQLite reads all of a row there to compare its key
block = Table(
    "block",
    metadata,
    Column("organization", BigInteger, ForeignKey("log_head.organization"), nullable=False),
    Column("name", String(24), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organization", "name", "number"),
)

stripe = Table(
    "stripe",
    metadata,
    # of the stripe: what the positions of its 512 events have in common
    Column("number", BigId, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)

event_text = Table(
    "event_text",
    metadata,
    # of the group: what the positions of its 64 events have in common
    Column("number", BigId, primary_key=True, autoincrement=False),
    Column("texts", LargeBinary, nullable=False),
)

event_marks = Table(
    "event_marks",
    metadata,
    # of a row of a pack of a log (`store/marks.py`)
    Column("number", BigId, primary_key=True, autoincrement=False),
    Column("marks", LargeBinary, nullable=False),
)

tile = Table(
    "tile",
    metadata,
    Column("organization", BigInteger, nullable=False),  # or ANCHOR
    Column("level", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organization", "level", "number"),
    sqlite_with_rowid=False,
)

purge = Table(
    "purge",
    metadata,
    Column("organization", BigInteger, ForeignKey("log_head.organization"), nullable=False),
    # of a group of `event_text` that was emptied, since something of its events was erased
    Column("number", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization", "number"),
)

INDEX_TABLES: tuple[Table, ...] = (log_index, block, stripe, event_text, event_marks, purge, tile)

# ── What was signed ──────────────────────────────────────────────────────────────────────────────────────────────────

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("organization", BigInteger, nullable=False),  # or ANCHOR
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("signed_at", BigInteger, nullable=False),
    # the lines under the note, that of the log itself first; the name in it is the log's origin
    Column("signatures", Text, nullable=False),
    PrimaryKeyConstraint("organization", "size"),
    sqlite_with_rowid=False,
)

anchor_entry = Table(
    "anchor_entry",
    metadata,
    Column("number", BigId, primary_key=True, autoincrement=False),
    Column("log_id", String(64), nullable=False),
    Column("previous_size", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Index(None, "log_id", "number"),
)

# of each log its newest entry, so that no other is looked at to know what grew
anchor_head = Table(
    "anchor_head",
    metadata,
    Column("log_id", String(64), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
)

# what somebody else said of a head, and in `state` failed what went wrong when they were asked last
anchor = Table(
    "anchor",
    metadata,
    Column("log_id", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", String(255), nullable=False),
    Column("state", String(16), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("evidence", LargeBinary, nullable=True),
    Column("error", Text, nullable=True),
    PrimaryKeyConstraint("log_id", "kind", "name", "state", "size"),
    Index(None, "log_id", "at"),
)

CUSTODY_TABLES: tuple[Table, ...] = (checkpoint, anchor_entry, anchor_head, anchor)

# ── Organization tables ──────────────────────────────────────────────────────────────────────────────────────────────

organization = Table(
    "organization",
    metadata,
    Column("organization", BigInteger, ForeignKey("log_head.organization"), primary_key=True, autoincrement=False),
    Column("id", String(32), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("plan", String(16), nullable=False),
    Column("seat_limit", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    # of an organization that was deleted: how many events its log has and will ever have
    Column("sealed", BigInteger, nullable=True),
)


def _organization_column() -> Column[int]:
    return Column("organization", BigInteger, ForeignKey("organization.organization"), nullable=False)


seat = Table(
    "seat",
    metadata,
    _organization_column(),
    Column("user", String(32), ForeignKey("user.id"), nullable=False),
    Column("role", String(16), nullable=False),
    Column("joined_at", BigInteger, nullable=False),
    # sessions that began by then do not get in any more: an owner or admin ended them here
    Column("ended_until", BigInteger, nullable=True),
    PrimaryKeyConstraint("organization", "user"),
    Index(None, "user"),
)

access = Table(
    "access",
    metadata,
    _organization_column(),
    Column("session", String(32), nullable=False),
    Column("user", String(32), nullable=False),
    Column("entered_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization", "session"),
    Index(None, "session"),
)

invitation = Table(
    "invitation",
    metadata,
    _organization_column(),
    Column("id", String(32), nullable=False),
    Column("email", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("mailed_token_hash", LargeBinary, nullable=True, unique=True),
    Column("invited_by", Text, nullable=False),
    # like every id of who made something, also of an account that was deleted
    Column("inviter", String(32), nullable=True),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization", "id"),
    Index(None, "organization", "email", unique=True),
)

setting = Table(
    "setting",
    metadata,
    _organization_column(),
    Column("name", String(32), nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("organization", "name"),
)

mode = Table(
    "mode",
    metadata,
    _organization_column(),
    Column("id", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("instructions", Text, nullable=False),
    Column("tools", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization", "id"),
    Index(None, "organization", "name_key", unique=True),
)

credit_entry = Table(
    "credit_entry",
    metadata,
    _organization_column(),
    Column("reference", Text, nullable=False),
    Column("cents", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("entered_by", Text, nullable=False),
    Column("entered_at", BigInteger, nullable=False),
    # why credits were granted; none of a purchase
    Column("reason", Text, nullable=True),
    PrimaryKeyConstraint("organization", "reference"),
    CheckConstraint("balance >= 0", name="balance"),
)

sso_domain = Table(
    "sso_domain",
    metadata,
    _organization_column(),
    Column("domain", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
    Column("verified_at", BigInteger, nullable=True),
    PrimaryKeyConstraint("organization"),
)
# of all organizations, only one has proven that a domain is its own
Index(
    "ix_sso_domain_verified",
    sso_domain.c.domain,
    unique=True,
    sqlite_where=text("verified_at IS NOT NULL"),
    postgresql_where=text("verified_at IS NOT NULL"),
)

sitting = Table(
    "sitting",
    metadata,
    _organization_column(),
    Column("session", String(32), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization", "session"),
)

saved_search = Table(
    "saved_search",
    metadata,
    _organization_column(),
    Column("id", String(32), nullable=False),
    # `shared`, or the id of the user who alone sees it
    Column("shelf", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("saved_by", String(32), nullable=False),
    Column("saved_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization", "id"),
    Index(None, "organization", "shelf", "name_key", unique=True),
)

auditor_link = Table(
    "auditor_link",
    metadata,
    _organization_column(),
    Column("id", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("query", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization", "id"),
)

token = Table(
    "token",
    metadata,
    _organization_column(),
    Column("id", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("creator", String(32), nullable=True),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization", "id"),
)

support_grant = Table(
    "support_grant",
    metadata,
    _organization_column(),
    Column("id", String(32), nullable=False),
    Column("user", String(32), nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("may", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("granted_by", Text, nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("entered_at", BigInteger, nullable=True),
    PrimaryKeyConstraint("organization", "id"),
)

retention = Table(
    "retention",
    metadata,
    _organization_column(),
    # the noun of the actions, or `all`
    Column("family", String(32), nullable=False),
    Column("days", Integer, nullable=False),
    PrimaryKeyConstraint("organization", "family"),
)

hold = Table(
    "hold",
    metadata,
    _organization_column(),
    Column("id", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("placed_by", Text, nullable=False),
    Column("placed_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization", "id"),
)

clock_step = Table(
    "clock_step",
    metadata,
    # a step forward that nobody has confirmed: until then nothing is pruned
    _organization_column(),
    Column("before", BigInteger, nullable=False),
    Column("after", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization"),
)

generation = Table(
    "generation",
    metadata,
    # from the number `first` on the log has this id, and before it another: it was restored from a backup
    _organization_column(),
    Column("log_id", String(64), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("previous", String(64), nullable=False),
    PrimaryKeyConstraint("organization", "log_id"),
)

deletion = Table(
    "deletion",
    metadata,
    # an owner asked for the organization to be deleted; until `due_at` an owner can take that back
    _organization_column(),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization"),
)

ORGANIZATION_TABLES: tuple[Table, ...] = (
    organization,
    seat,
    access,
    invitation,
    setting,
    mode,
    credit_entry,
    sso_domain,
    sitting,
    saved_search,
    auditor_link,
    token,
    support_grant,
    retention,
    hold,
    clock_step,
    generation,
    deletion,
)

# ── Deployment tables ────────────────────────────────────────────────────────────────────────────────────────────────

user = Table(
    "user",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=True),
    Column("created_at", BigInteger, nullable=False),
    # the IANA name of their time zone, for where their browser says none
    Column("zone", String(64), nullable=True),
)

session = Table(
    "session",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("user", String(32), ForeignKey("user.id"), nullable=False, index=True),
    Column("method", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    # where it began, so that its user knows it again
    Column("ip", Text, nullable=True),
    Column("user_agent", Text, nullable=True),
    # the kind of the second factor that it was signed in with, if it was
    Column("second_factor", String(16), nullable=True),
)

totp = Table(
    "totp",
    metadata,
    Column("user", String(32), ForeignKey("user.id"), primary_key=True),
    # sealed with a key that is kept outside the database (`organization/factor_key.py`)
    Column("secret", LargeBinary, nullable=False),
    # of the code that was used last, the number of its 30 seconds since 1970: no code is used twice
    Column("last_step", BigInteger, nullable=False),
    Column("added_at", BigInteger, nullable=False),
)

passkey = Table(
    "passkey",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user", String(32), ForeignKey("user.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    # what the authenticator calls it, its public key (COSE), and how often it says that it has signed
    Column("credential", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("signed", BigInteger, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=True),
)

recovery_code = Table(
    "recovery_code",
    metadata,
    Column("user", String(32), ForeignKey("user.id"), nullable=False),
    Column("code_hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("user", "code_hash"),
)

# what somebody began who has to come back with a proof: a sign-in that waits for its second factor, or a factor that is
# being added; the browser has the token
ceremony = Table(
    "ceremony",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("purpose", String(16), nullable=False),
    # nobody's while somebody signs in by a passkey alone: only it says who
    Column("user", String(32), ForeignKey("user.id"), nullable=True, index=True),
    # how the user proved the first factor
    Column("method", Text, nullable=False),
    # the sealed secret of an authenticator app that is being added, or what a passkey is asked to sign
    Column("secret", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

auditor_session = Table(
    "auditor_session",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

link = Table(
    "link",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("user", String(32), ForeignKey("user.id"), nullable=True),
    Column("expires_at", BigInteger, nullable=False),
)

staff = Table(
    "staff",
    metadata,
    # who may be let into organizations as support staff
    Column("user", String(32), ForeignKey("user.id"), primary_key=True),
    Column("since", BigInteger, nullable=False),
)

token_use = Table(
    "token_use",
    metadata,
    Column("token", String(32), primary_key=True),
    Column("used_at", BigInteger, nullable=True),
)

# what the name servers last said of a domain that is verified
domain_check = Table(
    "domain_check",
    metadata,
    Column("domain", Text, primary_key=True),
    Column("checked_at", BigInteger, nullable=False),
    # how many checks in a row found no record
    Column("missed", Integer, nullable=False),
)

deployment_key = Table(
    "deployment_key",
    metadata,
    Column("purpose", String(16), primary_key=True),
    Column("secret", LargeBinary, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("to", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("about", String(32), nullable=True, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("next_try_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=True),
    # the user who had it sent, of what is limited by that; no foreign key, since they may be gone before it is
    Column("caused_by", String(32), nullable=True),
)
