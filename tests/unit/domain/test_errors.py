"""Every refusal says why, in a sentence that may be shown."""

import inspect

import pytest

from domain import errors
from domain.errors import (
    DomainError,
    FieldsInvalid,
    FileTooLarge,
    MessageNotSent,
    PhoneInUse,
    RateRefused,
    TooManyAsks,
    TooManyTries,
    Unavailable,
)

WITH_DETAILS = {
    FieldsInvalid: FieldsInvalid({"phone": ["This is not a phone number."]}),
    RateRefused: RateRefused(15),
    TooManyAsks: TooManyAsks(15),
    TooManyTries: TooManyTries(3600),
    FileTooLarge: FileTooLarge(10_000),
}


def every_refusal() -> list[DomainError]:
    kinds = [one for _, one in inspect.getmembers(errors, inspect.isclass)]
    return [WITH_DETAILS.get(kind) or kind() for kind in kinds if issubclass(kind, DomainError)]


@pytest.mark.parametrize("refusal", every_refusal(), ids=lambda refusal: type(refusal).__name__)
def test_a_refusal_is_its_sentence(refusal: DomainError) -> None:
    assert refusal.sentence
    assert str(refusal) == refusal.sentence
    assert refusal.__class__.__doc__


def test_a_refusal_may_say_more_than_its_kind() -> None:
    assert DomainError("The picture is broken.").sentence == "The picture is broken."


def test_refused_fields_are_named_with_their_sentences() -> None:
    refusal = FieldsInvalid({"phone": ("No.", "Never.")})
    assert refusal.errors == {"phone": ["No.", "Never."]}


def test_a_refusal_for_rate_says_when_to_come_back() -> None:
    assert TooManyAsks(15).retry_after == 15
    assert TooManyTries(3600).retry_after == 3600


def test_what_is_unavailable_says_when_to_come_back() -> None:
    assert Unavailable().retry_after == MessageNotSent.retry_after == 5
    assert Unavailable("The store is full.", 60).retry_after == 60
    assert Unavailable("The store is full.", 60).sentence == "The store is full."


def test_a_phone_in_use_tells_whose_it_is_only_when_told() -> None:
    assert (PhoneInUse().user_id, PhoneInUse().username) == (None, None)
    own = PhoneInUse("id", "Rahul Sharma")
    assert (own.user_id, own.username) == ("id", "Rahul Sharma")


def test_a_file_too_large_says_how_large_is_allowed() -> None:
    assert "10000" in FileTooLarge(10_000).sentence
    assert FileTooLarge(10_000).limit == 10_000
