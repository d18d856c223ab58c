"""The command of events."""
