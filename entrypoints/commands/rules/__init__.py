"""The command of rules."""
