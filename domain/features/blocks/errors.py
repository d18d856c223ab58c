"""Errors of blocks."""

from domain.errors import DomainError


class BlockNotFound(DomainError):
    """No block with this id is active."""


class TooManyBlocks(DomainError):
    """As many blocks are active as may be."""
