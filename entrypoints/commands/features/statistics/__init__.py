"""The command of statistics."""
