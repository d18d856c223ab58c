"""Exports of a person's own data: how often."""
