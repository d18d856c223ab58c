"""Passkeys over HTTP: their errors. The pages are of the web console."""
