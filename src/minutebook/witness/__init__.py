"""A witness: a small server of its own that signs the heads of logs, as long as they go on from what it saw before."""
