"""Examples of adapters, which docs/adapters.md names, and which tests use."""
