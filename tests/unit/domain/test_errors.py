"""Domain errors carry data, and a message only where the class does not say everything."""

from domain.errors import (
    DomainError,
    NotAnImage,
    PhoneInUse,
    PhoneUnreachable,
    PictureRefused,
    TooManyAsks,
    ValueRefused,
)


def test_the_message_of_an_error_is_its_text() -> None:
    error = ValueRefused("This is too long.")
    assert (error.sentence, str(error)) == ("This is too long.", "This is too long.")


def test_an_error_without_a_message_has_an_empty_text() -> None:
    for error in (DomainError(), NotAnImage(), PhoneUnreachable(None)):
        assert (error.sentence, str(error)) == ("", "")


def test_a_rejected_image_is_broken_unless_a_limit_is_named() -> None:
    assert str(PictureRefused()) == "The image is broken."
    assert str(PictureRefused("Too many frames.")) == "Too many frames."


def test_errors_carry_their_data() -> None:
    assert TooManyAsks(15).retry_after == 15
    own = PhoneInUse("id", "Rahul Sharma")
    assert (own.user_id, own.username) == ("id", "Rahul Sharma")
    assert (PhoneInUse().user_id, PhoneInUse().username) == (None, None)
