"""The calls of a user."""
