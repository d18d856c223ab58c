import pytest

from domain.errors import InvalidCharacters, InvalidValue, TooLong, TooShort
from domain.identities.external_id import MAX_EXTERNAL_ID_LENGTH, parse_external_id
from tests.support.builders import NOW, an_identity


@pytest.mark.parametrize("text", ["A", "auth0|5 c", "~" * MAX_EXTERNAL_ID_LENGTH])
def test_an_external_id_is_kept_as_it_is(text: str) -> None:
    assert parse_external_id(text) == text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", TooShort),
        ("x" * (MAX_EXTERNAL_ID_LENGTH + 1), TooLong),
        (" a", InvalidCharacters),
        ("Zoë", InvalidCharacters),
        ("a\x7f", InvalidCharacters),
    ],
)
def test_other_texts_are_invalid(text: str, error: type[InvalidValue]) -> None:
    with pytest.raises(error):
        parse_external_id(text)


def test_a_detached_identity_keeps_its_external_id() -> None:
    identity = an_identity(external_id=parse_external_id("7"))
    assert identity.detach(NOW).external_id == "7"
