"""The journal: each act is written to it, and what a restored backup lacks is repeated."""
