"""Proofs before a message."""
