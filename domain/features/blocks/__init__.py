"""Blocks: number prefixes, networks and countries that get no codes for a time."""
