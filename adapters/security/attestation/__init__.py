"""Proofs that clients send before a message: of work by ALTCHA, or of a provider's challenge.

docs/proofs.md says when a proof is asked for.
"""
