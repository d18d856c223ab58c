"""The command of blocks."""
