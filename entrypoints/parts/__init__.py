"""Make adapters from settings: which there are, and how they are opened."""
