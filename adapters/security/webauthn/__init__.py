"""Passkeys by the package `webauthn`, with user verification on both sides."""
