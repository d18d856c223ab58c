"""`dialtone user`, with the actions of the core."""
