"""Every refusal that the service can give, one class each, under DomainError.

DomainError
├── InvalidFields                 what was sent cannot be used; names each field
├── Unauthenticated               no token, or one that no longer counts
│   └── InvalidRefreshToken       the same of a refresh token
├── Unavailable                   a part that is needed does not answer
├── TooManyOtpRequests, TooManyAttempts     a budget is spent; carry retry_after
├── CountryNotServed, PhoneUnreachable, DeliveryFailed
├── SessionNotFound
├── PhoneMismatch, PhoneInUse, UsernameInUse, InvalidUserId, UserNotFound, UserSaveFailed
└── NoFilePart, NoSelectedFile, MissingUserId, InvalidItemId, ItemNotFound, Forbidden,
    FileTooLarge, UnsupportedImageType, InvalidImage, MediaStorageFailed, ItemSaveFailed, LibraryReadFailed,
    MediaFileNotFound

The text of each is a sentence of ours that may be shown to the caller; it never holds a
phone number, a code or another exception's words.
"""

from collections.abc import Mapping, Sequence


class DomainError(Exception):
    """A refusal with a reason that the caller may know."""

    message = "The request was refused."

    def __init__(self, message: str | None = None) -> None:
        self.message = message or type(self).message
        super().__init__(self.message)


class InvalidFields(DomainError):
    """What was sent cannot be used; `errors` names each field with its sentences."""

    message = "Some fields cannot be used."

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self.errors = {field: list(sentences) for field, sentences in errors.items()}


class InvalidValue(DomainError, ValueError):
    """A single value cannot be what it should be; whoever knows its field names the field."""


class Unauthenticated(DomainError):
    """There is no access token, or it no longer counts."""

    message = "Sign in and send the access token as 'Authorization: Bearer <token>'."


class InvalidRefreshToken(Unauthenticated):
    """The refresh token counts no more, or never did."""

    message = "This refresh token counts no more; sign in again."


class Unavailable(DomainError):
    """A part that is needed does not answer; the same request may work a little later."""

    message = "The service is unavailable for the moment; try again shortly."

    def __init__(self, message: str | None = None, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimitExceeded(DomainError):
    """A budget is spent; `retry_after` is the number of whole seconds until it is not."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class TooManyOtpRequests(RateLimitExceeded):
    """No message may be sent to this phone now."""

    message = "Too many codes were asked for; wait before asking again."


class TooManyAttempts(RateLimitExceeded):
    """No code may be tried for this phone from here now."""

    message = "Too many codes were tried; wait before trying again."


class CountryNotServed(DomainError):
    """The operator does not send codes to this country."""

    message = "Codes are not sent to this number's country."


class PhoneUnreachable(DomainError):
    """The carrier says that this number cannot get the message; why, where it told that."""

    message = "The carrier cannot deliver to this number; check it, or use another number."


class DeliveryFailed(DomainError):
    """No sender would take the message; the ask did not count."""

    message = "The message could not be handed over; try again shortly."
    retry_after = 5


class SessionNotFound(DomainError):
    """The caller has no such session, or no longer."""

    message = "Session not found"


class PhoneMismatch(DomainError):
    """The number is not the phone that the token was issued for."""

    message = "The number is not the phone that you signed in with."


class PhoneInUse(DomainError):
    """The number has a user; `user_id` and `username` are set when it is the caller's own."""

    message = "Phone number already in use"

    def __init__(self, user_id: str | None = None, username: str | None = None) -> None:
        super().__init__()
        self.user_id = user_id
        self.username = username


class UsernameInUse(DomainError):
    """Somebody else has this name, or had it less than 30 days before deleting it."""

    message = "Username already in use"


class InvalidUserId(DomainError):
    """The text cannot be the id of a user."""

    message = "Invalid user id"


class UserNotFound(DomainError):
    """There is no such user, or no longer."""

    message = "User not found"


class UserSaveFailed(DomainError):
    """The database did not take the user."""

    message = "User creation failed"


class NoFilePart(DomainError):
    """The form has no part named `file` that is a file."""

    message = "No file part"


class NoSelectedFile(DomainError):
    """The form's `file` has an empty file name."""

    message = "No selected file"


class MissingUserId(DomainError):
    """The form has no `user_id`, or an empty one."""

    message = "Missing user_id"


class InvalidItemId(DomainError):
    """The text cannot be the id of a library item."""

    message = "Invalid item id"


class ItemNotFound(DomainError):
    """There is no such library item, or no longer."""

    message = "Item not found"


class Forbidden(DomainError):
    """Only the owner or an administrator may do this."""

    message = "Only the owner or an administrator may do this."


class FileTooLarge(DomainError):
    """The upload is larger than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The upload is larger than {limit} bytes.")
        self.limit = limit


class UnsupportedImageType(DomainError):
    """The bytes are not a JPEG, a PNG or a GIF."""

    message = "The file is not a JPEG, PNG or GIF image."


class InvalidImage(DomainError):
    """The bytes are of a kind that we serve, but broken or beyond the limits."""

    message = "The image is broken."


class MediaStorageFailed(DomainError):
    """The media store did not take the file."""

    message = "Failed to upload file to S3"
    details = "The media store did not take the file; try again shortly."


class ItemSaveFailed(DomainError):
    """The database did not take the library item."""

    message = "Failed to save library item"
    details = "The database did not take the item; try again shortly."


class LibraryReadFailed(DomainError):
    """The database did not give the page."""

    message = "Failed to fetch library items"
    details = "The database did not answer; try again shortly."


class MediaFileNotFound(DomainError):
    """There is no file at this address, or no longer."""

    message = "File not found"
