"""Identities: authentication, sessions, users, and what operators do with them."""
