"""Passkeys in the web console: sign in with one, add one, list and remove one's own."""
