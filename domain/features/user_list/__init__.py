"""The list of users: which ones, and where a page begins."""
