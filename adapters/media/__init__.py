"""The files of the library: where they are stored, and how images are published."""
