"""The image library."""
