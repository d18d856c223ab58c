"""Proof before a message: use cases and ports."""
