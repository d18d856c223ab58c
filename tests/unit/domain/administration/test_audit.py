import pytest

from domain.administration.audit import MAX_REASON_LENGTH, parse_reason
from domain.errors import InvalidCharacters, TooLong


@pytest.mark.parametrize(
    "phone",
    [
        "5552671",
        "+1 [415] - [555] - [2671]",  # separators
        "415x555x2671",
        "٠٤١٥٥٥٥٢٦٧١",
        "⁴¹⁵⁵⁵⁵²⁶⁷¹",
        "14155552671aaaaaaaaaaaaa",  # as long as an id
    ],
)
def test_the_digits_of_a_phone_in_a_reason_are_masked(phone: str) -> None:
    reason = parse_reason(f"She called from {phone}, as in ticket 4711.")

    assert reason.startswith("She called from ")
    assert reason.endswith(", as in ticket 4711.")
    assert not any(character.isdigit() for character in reason.removesuffix("4711."))
    assert "*" * 3 in reason


def test_a_reason_is_one_line_in_which_other_numbers_and_ids_stay() -> None:
    for text in (
        "lost the phone, ticket 123456",
        "2 phones, +1 and +44",
        "as 6561a2b0c3d4e5f607182930 asked",
        "§ 15",
    ):
        assert parse_reason(text) == text
    assert parse_reason(" lost\n the\tphone ") == "lost the phone"
    with pytest.raises(InvalidCharacters):
        parse_reason("a\x1b[31mb")
    with pytest.raises(TooLong):
        parse_reason("x" * (MAX_REASON_LENGTH + 1))
