"""Records in tables: what SQLite and PostgreSQL have in common. Each has its own `Dialect`."""
