"""What responses have in common: files, ranges and compression."""
