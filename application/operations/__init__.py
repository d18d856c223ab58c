"""Cleanup, readiness and public keys: what operators and other systems need."""
