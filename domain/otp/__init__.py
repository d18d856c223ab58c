"""Signing in: one record for each phone, its codes, its tries and its budgets."""
