"""Moderation of the library: hide items, show them again, delete them."""
