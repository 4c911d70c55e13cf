"""Minutebook: the audit log of an organization's seats."""

__version__ = "0.1.0"
