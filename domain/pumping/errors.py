"""Errors of warnings."""

from domain.errors import DomainError


class WarningNotFound(DomainError):
    """No warning with this id is open."""
