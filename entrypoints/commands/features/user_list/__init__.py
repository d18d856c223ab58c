"""The action of `dialtone user` that lists users."""
