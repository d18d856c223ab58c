"""Users of other services, as files."""
