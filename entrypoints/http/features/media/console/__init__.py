"""Pages about the library."""
