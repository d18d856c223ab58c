"""Changes of the number."""
