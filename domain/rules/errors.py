"""Errors of rules."""

from domain.errors import DomainError


class RuleNotFound(DomainError):
    """No rule with this id is active."""


class TooManyRules(DomainError):
    """As many rules are active as may be."""
