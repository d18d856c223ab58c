"""SMS templates in TOML files: the built-in ones and those of the operator."""
