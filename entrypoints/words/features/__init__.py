"""Words of what can be taken out."""
