"""The journal: acts that a restored backup does not know."""
