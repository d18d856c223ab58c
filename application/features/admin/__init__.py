"""The REST administration: its service tokens."""
