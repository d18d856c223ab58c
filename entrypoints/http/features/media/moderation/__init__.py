"""Moderation of the library."""
