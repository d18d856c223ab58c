"""Proofs in requests for codes."""
