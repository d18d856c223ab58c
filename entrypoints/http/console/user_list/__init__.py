"""The list of users in the web console."""
