"""From settings to adapters: which there are, and how they are opened."""
