"""Conversion: which part of the codes is entered, by provider, and when a provider is left."""
