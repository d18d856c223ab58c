"""What operators do: audit entries, and the service tokens of backends."""
