"""Imports of users from elsewhere."""
