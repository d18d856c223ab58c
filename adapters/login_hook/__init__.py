"""The login hook by HTTP. docs/login_hook.md has the requests and responses."""
