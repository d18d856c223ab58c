"""The errors of the core.

Errors carry data. The texts for clients are in `entrypoints/http`. A message is set only
where the code that raises the error knows more than its class says, such as why a value is
invalid. It is safe to show: it never has a phone number, a code or another exception's text.
"""


class DomainError(Exception):
    """Base class; `message` is a text for people, or empty."""

    def __init__(self, message: str | None = None) -> None:
        self.message = message or ""
        super().__init__(self.message)


class InvalidValue(DomainError, ValueError):
    """A text is not a valid value; the message says why. It does not name the field."""


class InvalidPhone(InvalidValue):
    """The text is not a phone number, or no country has this number."""


class AmbiguousPhone(InvalidValue):
    """The digits are two phone numbers: with a country code, and without one."""


class UnsupportedPhoneType(InvalidValue):
    """No codes are sent to phone numbers of this kind, such as premium-rate numbers."""


class MalformedOtp(InvalidValue):
    """The text is not a code: it has another number of digits, or other characters."""


class TooShort(InvalidValue):
    """The text has too few characters."""


class TooLong(InvalidValue):
    """The text has too many characters."""


class InvalidCharacters(InvalidValue):
    """The text has characters that are not allowed."""


class NoVisibleCharacter(InvalidValue):
    """The text has no character that people can see."""


class MixedScripts(InvalidValue):
    """The text has letters of scripts that are not written together."""


class ReservedName(InvalidValue):
    """The text is a name that claims a role, or looks like one."""


class PhoneAsUsername(InvalidValue):
    """The text is a phone number, which everybody would see."""


class InvalidCursor(InvalidValue):
    """The text is not the cursor of a page."""


class InvalidNumber(InvalidValue):
    """The text is not a number, or the number is too low."""


class InvalidIdentifier(InvalidValue):
    """The text is not an id."""


class UnsupportedValue(InvalidValue):
    """The text is not one of the allowed values."""


class HasFixedCode(InvalidValue):
    """The phone of the account has a fixed code, so the account gets no role."""


class ConflictingValue(InvalidValue):
    """The value is not allowed together with another one."""


class Unauthenticated(DomainError):
    """The access token is missing or no longer valid."""


class InvalidRefreshToken(Unauthenticated):
    """The refresh token is not valid, or no longer."""


class Unavailable(DomainError):
    """A part that the service needs does not respond; a retry may succeed."""


class AuditFailed(Unavailable):
    """The audit entry was not written, so nothing was done."""


class RateLimitExceeded(DomainError):
    """A rate limit is reached; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class TooManyOtpRequests(RateLimitExceeded):
    """No code may be sent to this phone now.

    `limit` names the limit for operators, and `clients` whose it is, if they are known.
    """

    def __init__(self, retry_after: int, limit: str = "", clients: str = "") -> None:
        super().__init__(retry_after)
        self.limit = limit
        self.clients = clients


class TooManyAttempts(RateLimitExceeded):
    """No code may be checked for this phone from this client now. A new code brings attempts.

    `resend_in` is in whole seconds: when a new code can be requested.
    """

    def __init__(self, retry_after: int, resend_in: int | None = None) -> None:
        super().__init__(retry_after)
        self.resend_in = resend_in


class TooManyAttemptsFromIp(TooManyAttempts):
    """No code may be checked from this client now, for any phone.

    A new code helps only a client that sends its request id.
    """


class TooManyRequests(RateLimitExceeded):
    """The identity or the client IP sends too many requests to this process."""


class TooManyResets(RateLimitExceeded):
    """The limits of this phone were reset twice within the last day."""


class TooManyActs(RateLimitExceeded):
    """The operator has acted for as many users as one person or service token may."""


class TooManyPhones(RateLimitExceeded):
    """The service token has read as many full phone numbers as it may in a day."""


class TooManyExports(RateLimitExceeded):
    """The user has exported the data within the last day."""


class TooManyReads(DomainError):
    """Too many files are being read at the same time, by this IP or by all clients."""


class CountryNotServed(DomainError):
    """The operator does not deliver codes to this country, or not to this number.

    Only an operator gets a message. `limit` names for operators why, if it is known.
    """

    def __init__(self, limit: str = "") -> None:
        super().__init__()
        self.limit = limit


class PhoneUnreachable(DomainError):
    """The provider reports that the number cannot receive the message; may have a message."""


class DeliveryFailed(DomainError):
    """No provider accepted the message. Why is for operators: it may be about their account.

    `retry_after` is when a request can succeed: whole seconds. If no provider was called,
    `provider` is the one that has a pause until then, because of `cause`.
    """

    def __init__(self, retry_after: int = 1, provider: str = "", cause: str = "") -> None:
        super().__init__()
        self.retry_after = retry_after
        self.provider = provider
        self.cause = cause


class SessionNotFound(DomainError):
    """The principal has no active session with this id."""


class PhoneMismatch(DomainError):
    """The number is not the phone of the access token."""


class PhoneInUse(DomainError):
    """The number has a user; `user_id` and `username` are set when it is the principal's own."""

    def __init__(self, user_id: str | None = None, username: str | None = None) -> None:
        super().__init__()
        self.user_id = user_id
        self.username = username


class LoginRejected(DomainError):
    """The code was correct, and is used. The login hook rejected it; the message says why."""


class IncorrectOtp(DomainError):
    """The code was wrong, expired, used before or never sent. Clients are not told which."""

    def __init__(self, field: str, attempts_left: int) -> None:
        super().__init__()
        self.field = field
        self.attempts_left = attempts_left


class UsernameInUse(DomainError):
    """Another identity has this username, or was deleted with it less than 30 days ago."""


class ExternalIdInUse(DomainError):
    """Another identity has this external id."""


class UserNotFound(DomainError):
    """There is no user with this id, or no longer."""


class PhoneBlocked(DomainError):
    """The phone is blocked, and has to be unblocked first."""


class LimitsResetBefore(DomainError):
    """The limits of this phone were reset after the operator had looked at them."""


class AccountBlocked(DomainError):
    """The code is correct, and its phone is blocked."""


class Forbidden(DomainError):
    """Only the owner or an administrator may do this."""


class InsufficientScope(Forbidden):
    """The service token may not do this: it lacks the scope, which is named."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope


class PasskeyRequired(Forbidden):
    """The person has rights of staff only in a session of the console by passkey.

    Attributes:
        has_none: Whether it is known that the person has no passkey.
    """

    def __init__(self, message: str = "", *, has_none: bool = False) -> None:
        super().__init__(message)
        self.has_none = has_none


class ReauthenticationRequired(DomainError):
    """Somebody with a role has to log in again before this action."""


class FreshLoginRequired(ReauthenticationRequired):
    """This needs a login within the last 15 minutes."""
