"""Blocks over HTTP."""
