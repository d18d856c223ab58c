"""The image library: upload, list, change, delete, serve."""
