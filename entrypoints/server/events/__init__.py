"""The background task of the events of users."""
