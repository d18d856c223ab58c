"""Budgets: what codes and notices may cost before strangers wait."""
