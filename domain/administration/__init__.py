"""What operators do: audit entries, and the scopes of callers that are no people."""
