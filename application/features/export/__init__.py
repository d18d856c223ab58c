"""All data of one person, as files."""
