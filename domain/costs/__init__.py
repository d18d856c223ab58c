"""The prices of messages and calls."""
