"""The OpenAPI description, and the page that shows it.

Litestar generates paths, parameters and operations from the handlers. The rest comes from what the
service itself works with:

- `schemas.py`: the bodies, from msgspec, which parses them. Litestar's schemas allow fields that it
  rejects.
- `responses.py`: the errors of an operation, from the table that answers with them. Litestar knows
  errors as exception classes of its own, with one schema for all.
- `operations.py`: headers, and bodies that are no JSON.
- `page.py`: Litestar's own routes would serve pages that load scripts from other hosts, and
  answer unknown paths below them in HTML. So the service has `openapi_config=None`, and the
  description is generated from an application that serves nothing.
"""
