"""Service tokens of backends."""
