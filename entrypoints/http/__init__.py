"""The HTTP entrypoint: parse the request, call a use case, shape the response."""
