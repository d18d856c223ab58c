"""The download of all data of a user."""
