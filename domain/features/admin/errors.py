"""Errors of service tokens."""

from domain.errors import DomainError, RateLimitExceeded


class TooManyTokenRequests(RateLimitExceeded):
    """The service token has sent as many requests as it may in a minute."""


class TokenNotFound(DomainError):
    """There is no service token with this id."""
