"""Budgets: amounts are taken before a delivery, and settled with what it has cost."""
