"""The built-in SMS templates, one TOML file for each language."""
