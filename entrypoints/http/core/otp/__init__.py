"""One-time codes of the main API."""
