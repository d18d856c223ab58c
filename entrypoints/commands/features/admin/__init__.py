"""The command of service tokens."""
