"""Where everything is kept: SQLite or PostgreSQL, one schema, the organization first in every key."""
