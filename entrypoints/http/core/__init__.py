"""Paths of the core."""
