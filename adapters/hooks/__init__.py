"""Requests to other services: events, and questions before a login."""
