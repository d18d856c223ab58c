"""Domain errors carry data, and a message only where the class does not say everything."""

from domain.errors import (
    DomainError,
    InvalidImage,
    InvalidImageReason,
    InvalidValue,
    PhoneInUse,
    PhoneUnreachable,
    TooManyOtpRequests,
    UnsupportedImageType,
)


def test_the_message_of_an_error_is_its_text() -> None:
    error = InvalidValue("This is too long.")
    assert (error.message, str(error)) == ("This is too long.", "This is too long.")


def test_an_error_without_a_message_has_an_empty_text() -> None:
    for error in (DomainError(), UnsupportedImageType(), PhoneUnreachable(None)):
        assert (error.message, str(error)) == ("", "")


def test_a_rejected_image_is_broken_unless_a_limit_is_named() -> None:
    assert str(InvalidImage()) == "The image is broken."
    assert (InvalidImage().reason, InvalidImage().limit) == (InvalidImageReason.BROKEN, None)
    error = InvalidImage("Too many frames.", InvalidImageReason.TOO_MANY_FRAMES, 500)
    assert str(error) == "Too many frames."
    assert (error.reason, error.limit) == (InvalidImageReason.TOO_MANY_FRAMES, 500)


def test_errors_carry_their_data() -> None:
    assert TooManyOtpRequests(15).retry_after == 15
    own = PhoneInUse("id", "Rahul Sharma")
    assert (own.user_id, own.username) == ("id", "Rahul Sharma")
    assert (PhoneInUse().user_id, PhoneInUse().username) == (None, None)
