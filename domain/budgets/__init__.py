"""Budgets: what messages and calls may cost in a day, in all and for each country."""
