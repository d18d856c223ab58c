"""The web console: the sessions of administrators."""
