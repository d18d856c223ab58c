"""The OpenAPI description, and the page that shows it.

Litestar generates the paths, parameters, bodies, responses and schemas from the handlers and their
types. What it has no means for is added here, from what the service itself works with:

- `responses.py`: the errors of an operation, from the table that answers with them. Litestar knows
  errors as exception classes of its own, with one schema for all. Those that occur twice are
  components; Litestar repeats them.
- `operations.py`: links, headers, and bodies that are no JSON.
- `corrections.py`: where its schemas say something else than the parser does. Each function has
  the programs that need it.
- `page.py`: Litestar's own routes would serve pages that load scripts from other hosts, and
  answer unknown paths below them in HTML. So the service has `openapi_config=None`, and the
  description is generated from an application that serves nothing.
"""
