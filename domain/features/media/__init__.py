"""The library: items, their states, their kinds and their limits."""
