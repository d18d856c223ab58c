"""The page of blocks in the web console."""
