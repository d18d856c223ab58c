"""The version of the program, and its commit."""
