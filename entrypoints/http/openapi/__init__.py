"""The OpenAPI description, and the page that shows it.

Litestar generates paths, parameters and operations. Bodies come from msgspec, which parses them,
and errors from the table that answers with them: Litestar has one schema for all errors.
"""
