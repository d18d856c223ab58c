"""Error responses: errors that only HTTP has, the table, and the exception handlers."""
