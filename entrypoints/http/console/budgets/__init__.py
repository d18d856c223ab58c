"""Budgets in the web console."""
