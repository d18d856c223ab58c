"""The library and its media files."""
