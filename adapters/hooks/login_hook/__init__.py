"""The login hook by HTTP. docs/hooks.md has the requests and responses."""
