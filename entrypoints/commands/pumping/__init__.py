"""The command of warnings of pumping."""
