"""Commands of what can be taken out: a package for each feature."""
