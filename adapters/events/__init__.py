"""Events to the backend of the app, by HTTP.

docs/events.md has the requests and responses.
"""
