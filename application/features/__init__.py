"""Use cases and ports of what can be taken out."""
