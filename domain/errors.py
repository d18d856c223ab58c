"""Every refusal that the service can give, one class each, under DomainError.

DomainError
├── FieldsInvalid                 what was sent cannot be used; names each field
├── Unauthenticated               no token, or one that no longer counts
│   └── RefreshTokenRefused       the same of a refresh token
├── Unavailable                   a part that is needed does not answer
├── TooManyAsks, TooManyTries     a budget is spent; carry retry_after
├── CountryNotServed, PhoneUnreachable, MessageNotSent
├── SessionNotFound
├── PhoneNotOwn, PhoneInUse, UsernameInUse, InvalidUserId, UserNotFound, UserNotSaved
└── NoFilePart, NoSelectedFile, MissingUserId, InvalidItemId, ItemNotFound, NotOwner,
    FileTooLarge, NotAnImage, PictureRefused, FileNotStored, ItemNotSaved, PageNotRead,
    MediaNotFound

The text of each is a sentence of ours that may be shown to the caller; it never holds a
phone number, a code or another exception's words.
"""

from collections.abc import Mapping, Sequence


class DomainError(Exception):
    """A refusal with a reason that the caller may know."""

    sentence = "The request was refused."

    def __init__(self, sentence: str | None = None) -> None:
        self.sentence = sentence or type(self).sentence
        super().__init__(self.sentence)


class FieldsInvalid(DomainError):
    """What was sent cannot be used; `errors` names each field with its sentences."""

    sentence = "Some fields cannot be used."

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self.errors = {field: list(sentences) for field, sentences in errors.items()}


class ValueRefused(DomainError, ValueError):
    """A single value cannot be what it should be; whoever knows its field names the field."""


class Unauthenticated(DomainError):
    """There is no access token, or it no longer counts."""

    sentence = "Sign in and send the access token as 'Authorization: Bearer <token>'."


class RefreshTokenRefused(Unauthenticated):
    """The refresh token counts no more, or never did."""

    sentence = "This refresh token counts no more; sign in again."


class Unavailable(DomainError):
    """A part that is needed does not answer; the same request may work a little later."""

    sentence = "The service is unavailable for the moment; try again shortly."

    def __init__(self, sentence: str | None = None, retry_after: int = 5) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class RateRefused(DomainError):
    """A budget is spent; `retry_after` is the number of whole seconds until it is not."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class TooManyAsks(RateRefused):
    """No message may be sent to this phone now."""

    sentence = "Too many codes were asked for; wait before asking again."


class TooManyTries(RateRefused):
    """No code may be tried for this phone from here now."""

    sentence = "Too many codes were tried; wait before trying again."


class CountryNotServed(DomainError):
    """The operator does not send codes to this country."""

    sentence = "Codes are not sent to this number's country."


class PhoneUnreachable(DomainError):
    """The carrier says that this number cannot get the message; why, where it told that."""

    sentence = "The carrier cannot deliver to this number; check it, or use another number."


class MessageNotSent(DomainError):
    """No sender would take the message; the ask did not count."""

    sentence = "The message could not be handed over; try again shortly."
    retry_after = 5


class SessionNotFound(DomainError):
    """The caller has no such session, or no longer."""

    sentence = "Session not found"


class PhoneNotOwn(DomainError):
    """The number is not the phone that the token was issued for."""

    sentence = "The number is not the phone that you signed in with."


class PhoneInUse(DomainError):
    """The number has a user; `user_id` and `username` are set when it is the caller's own."""

    sentence = "Phone number already in use"

    def __init__(self, user_id: str | None = None, username: str | None = None) -> None:
        super().__init__()
        self.user_id = user_id
        self.username = username


class UsernameInUse(DomainError):
    """Somebody else has this name, or had it less than 30 days before deleting it."""

    sentence = "Username already in use"


class InvalidUserId(DomainError):
    """The text cannot be the id of a user."""

    sentence = "Invalid user id"


class UserNotFound(DomainError):
    """There is no such user, or no longer."""

    sentence = "User not found"


class UserNotSaved(DomainError):
    """The database did not take the user."""

    sentence = "User creation failed"


class NoFilePart(DomainError):
    """The form has no part named `file` that is a file."""

    sentence = "No file part"


class NoSelectedFile(DomainError):
    """The form's `file` has an empty file name."""

    sentence = "No selected file"


class MissingUserId(DomainError):
    """The form has no `user_id`, or an empty one."""

    sentence = "Missing user_id"


class InvalidItemId(DomainError):
    """The text cannot be the id of a library item."""

    sentence = "Invalid item id"


class ItemNotFound(DomainError):
    """There is no such library item, or no longer."""

    sentence = "Item not found"


class NotOwner(DomainError):
    """Only the owner or an administrator may do this."""

    sentence = "Only the owner or an administrator may do this."


class FileTooLarge(DomainError):
    """The upload is larger than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The upload is larger than {limit} bytes.")
        self.limit = limit


class NotAnImage(DomainError):
    """The bytes are not a JPEG, a PNG or a GIF."""

    sentence = "The file is not a JPEG, PNG or GIF image."


class PictureRefused(DomainError):
    """The bytes are of a kind that we serve, but broken or beyond the limits."""

    sentence = "The image is broken."


class FileNotStored(DomainError):
    """The media store did not take the file."""

    sentence = "Failed to upload file to S3"
    details = "The media store did not take the file; try again shortly."


class ItemNotSaved(DomainError):
    """The database did not take the library item."""

    sentence = "Failed to save library item"
    details = "The database did not take the item; try again shortly."


class PageNotRead(DomainError):
    """The database did not give the page."""

    sentence = "Failed to fetch library items"
    details = "The database did not answer; try again shortly."


class MediaNotFound(DomainError):
    """There is no file at this address, or no longer."""

    sentence = "File not found"
