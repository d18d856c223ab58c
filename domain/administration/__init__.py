"""What operators do: audit entries, and the scopes of those who are no people."""
