"""The login hook, which decides about each login."""
