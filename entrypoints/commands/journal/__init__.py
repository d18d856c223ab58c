"""The command of the journal."""
