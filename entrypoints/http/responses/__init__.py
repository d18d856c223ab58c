"""What responses have in common: files, ranges, compression, fields."""
