"""Proofs that clients send before a message: of work by ALTCHA, or of a provider's challenge.

docs/web.md says when a proof is asked for.
"""
