"""The built-in call flow."""
