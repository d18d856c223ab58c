"""Budgets: compare what was spent with them."""
