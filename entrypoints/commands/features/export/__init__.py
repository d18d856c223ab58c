"""The command `dialtone user export`."""
