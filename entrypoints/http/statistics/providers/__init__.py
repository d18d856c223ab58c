"""Providers over HTTP: what they deliver, which codes are entered, and what these cost."""
