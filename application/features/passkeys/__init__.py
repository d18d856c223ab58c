"""Passkeys of the staff: sign in to the console, add and remove."""
