"""The list of users over HTTP."""
