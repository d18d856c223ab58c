"""Requesting and verifying one-time codes."""
