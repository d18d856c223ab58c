"""Errors of changes of the number."""

from domain.errors import DomainError, RateLimitExceeded


class UndoNotPossible(DomainError):
    """The change of the number cannot be undone, or not anymore."""


class DisownNotPossible(DomainError):
    """The account did not get its number by a change, or not within the last seven days."""


class PhoneChangeForbidden(DomainError):
    """The last change was undone, so another one is not possible yet.

    `retry_after` is when it is: whole seconds.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class TooManyPhoneChanges(RateLimitExceeded):
    """The service token has changed as many phone numbers as it may in a day."""
