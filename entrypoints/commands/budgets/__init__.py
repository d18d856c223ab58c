"""The command of budgets."""
