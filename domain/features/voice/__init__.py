"""The call flow, and the calls that follow it."""
