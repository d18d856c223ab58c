"""One-time codes of the legacy API."""
