"""Blocks of number prefixes, networks and countries: use cases."""
