"""Where the lines of the journal go: a file, or a URL."""
