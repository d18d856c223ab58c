"""The version of the program, and the commit that it was built from."""
