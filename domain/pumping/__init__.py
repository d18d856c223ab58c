"""Pumping: messages that nobody wants, requested so that somebody earns by their delivery."""
