"""Errors of use cases in words: one sentence that says what to do."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from domain import errors
from domain.errors import DomainError
from entrypoints.settings.startup_error import CommandError
from entrypoints.texts import acts


@contextmanager
def explain_errors(
    texts: Mapping[type[DomainError], str] = MappingProxyType({}),
) -> Iterator[None]:
    """Turn an error of a use case into one for the operator; `texts` are those of this command.

    Raises:
        CommandError
    """
    try:
        yield
    except DomainError as error:
        raise CommandError(texts.get(type(error)) or _explain(error)) from None


_WITHOUT_TEXT = "This is not possible now. Try it again; the log of the service may say why."


def _explain(error: DomainError) -> str:
    match error:
        case errors.TooManyResets():
            return (
                f"{acts.LIMITS_RESET_TWICE} The next reset is possible "
                f"{_time_after(error.retry_after)}."
            )
        case errors.HasFixedCode():
            return acts.HAS_FIXED_CODE
        case errors.PhoneBlocked():
            return "Nothing was done, because this phone is blocked: dialtone user unblock."
        case errors.UsernameInUse():
            return (
                "Another account has this username, or had it until a deletion within the last 30 "
                "days, or somebody of the staff has one that looks like it."
            )
        case errors.ExternalIdInUse():
            return "Another account has this external id."
        case errors.AuditFailed():
            return (
                "Nothing was done, because the database did not take the audit entry. Check the "
                "database, and try again."
            )
        case errors.Unavailable():
            return error.message or "A part that this needs does not answer. Try again shortly."
        case errors.UserNotFound():
            return "There is no such account."
        case _:
            return error.message or _WITHOUT_TEXT


def _time_after(seconds: int) -> str:
    """Return when that is, such as `at 14:05:09 UTC`."""
    now = datetime.now(UTC)
    time = now + timedelta(seconds=seconds)
    if time.date() == now.date():
        return f"at {time:%H:%M:%S} UTC"
    return f"on {time:%Y-%m-%d} at {time:%H:%M} UTC"
