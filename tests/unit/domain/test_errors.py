"""Domain errors carry data, and a message only where the class does not say everything."""

from domain.errors import (
    DomainError,
    InvalidImage,
    InvalidImageReason,
    InvalidValue,
    PhoneInUse,
    PhoneUnreachable,
    TooManyOtpRequests,
)


def test_the_message_of_an_error_is_its_text_and_may_be_empty() -> None:
    assert InvalidValue("This is too long.").message == "This is too long."
    for error in (InvalidValue("This is too long."), DomainError(), PhoneUnreachable(None)):
        assert error.message == str(error)


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
