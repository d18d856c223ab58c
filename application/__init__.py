"""What can be done: one use case a file, a folder for each feature."""
