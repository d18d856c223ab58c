"""Events to the backend of the app, by HTTP.

docs/hooks.md has the requests and responses.
"""
