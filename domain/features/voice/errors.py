"""Errors of the call log."""

from domain.errors import DomainError


class CallNotFound(DomainError):
    """There is no call with this id, or no longer."""


class CallRecordingNotFound(DomainError):
    """The call has no such recording, or no longer."""
