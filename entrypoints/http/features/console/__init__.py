"""The web console: pages for the staff."""
