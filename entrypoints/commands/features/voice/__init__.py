"""Commands of the phone line."""
