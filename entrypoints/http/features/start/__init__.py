"""The page at `/` for those who try out the service in development."""
