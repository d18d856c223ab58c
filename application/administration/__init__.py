"""Find a user, act for one, and say who did it."""
