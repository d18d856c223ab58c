"""The phone line."""
