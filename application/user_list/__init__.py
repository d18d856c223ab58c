"""The list of users."""
