"""The page at `/`, which shows messages in development."""
