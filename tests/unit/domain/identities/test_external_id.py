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
        ("a ", InvalidCharacters),
        ("a\n", InvalidCharacters),
        ("Zoë", InvalidCharacters),
        ("a\x7f", InvalidCharacters),
    ],
)
def test_other_texts_are_invalid(text: str, error: type[InvalidValue]) -> None:
    with pytest.raises(error):
        parse_external_id(text)


def test_a_deleted_identity_has_no_external_id_and_a_detached_one_keeps_it() -> None:
    identity = an_identity(external_id=parse_external_id("7"))
    assert identity.delete(NOW).external_id is None
    assert identity.purge(NOW).external_id is None
    assert identity.detach(NOW).external_id == "7"


def test_a_deleted_identity_is_not_marked_as_imported() -> None:
    imported = an_identity().mark_imported(NOW, NOW)
    assert (imported.imported_at, imported.delete(NOW).imported_at) == (NOW, None)
