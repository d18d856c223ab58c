"""Every refusal says why, in a sentence that may be shown."""

import inspect

import pytest

from domain import errors
from domain.errors import (
    DeliveryFailed,
    DomainError,
    FileTooLarge,
    InvalidFields,
    PhoneInUse,
    RateLimitExceeded,
    TooManyAttempts,
    TooManyOtpRequests,
    Unavailable,
)

WITH_DETAILS = {
    InvalidFields: InvalidFields({"phone": ["This is not a phone number."]}),
    RateLimitExceeded: RateLimitExceeded(15),
    TooManyOtpRequests: TooManyOtpRequests(15),
    TooManyAttempts: TooManyAttempts(3600),
    FileTooLarge: FileTooLarge(10_000),
}


def every_refusal() -> list[DomainError]:
    kinds = [one for _, one in inspect.getmembers(errors, inspect.isclass)]
    return [WITH_DETAILS.get(kind) or kind() for kind in kinds if issubclass(kind, DomainError)]


@pytest.mark.parametrize("refusal", every_refusal(), ids=lambda refusal: type(refusal).__name__)
def test_a_refusal_is_its_sentence(refusal: DomainError) -> None:
    assert refusal.message
    assert str(refusal) == refusal.message
    assert refusal.__class__.__doc__


def test_a_refusal_may_say_more_than_its_kind() -> None:
    assert DomainError("The picture is broken.").message == "The picture is broken."


def test_refused_fields_are_named_with_their_sentences() -> None:
    refusal = InvalidFields({"phone": ("No.", "Never.")})
    assert refusal.errors == {"phone": ["No.", "Never."]}


def test_a_refusal_for_rate_says_when_to_come_back() -> None:
    assert TooManyOtpRequests(15).retry_after == 15
    assert TooManyAttempts(3600).retry_after == 3600


def test_what_is_unavailable_says_when_to_come_back() -> None:
    assert Unavailable().retry_after == DeliveryFailed.retry_after == 5
    assert Unavailable("The store is full.", 60).retry_after == 60
    assert Unavailable("The store is full.", 60).message == "The store is full."


def test_a_phone_in_use_tells_whose_it_is_only_when_told() -> None:
    assert (PhoneInUse().user_id, PhoneInUse().username) == (None, None)
    own = PhoneInUse("id", "Rahul Sharma")
    assert (own.user_id, own.username) == ("id", "Rahul Sharma")


def test_a_file_too_large_says_how_large_is_allowed() -> None:
    assert "10000" in FileTooLarge(10_000).message
    assert FileTooLarge(10_000).limit == 10_000
