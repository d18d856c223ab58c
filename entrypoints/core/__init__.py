"""The pieces of the core that a command may not need: limits, and codes with their providers."""
