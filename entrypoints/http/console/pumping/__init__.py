"""Warnings of pumping in the web console."""
