"""Errors of costs."""

from domain.errors import DomainError


class CostsNotCounted(DomainError):
    """The operator has no price list, so no costs are counted."""
