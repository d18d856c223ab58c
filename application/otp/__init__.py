"""Asking for a code, answering with it."""
