import pytest

from domain.countries import ALL_COUNTRIES, parse_country
from domain.errors import InvalidValue


@pytest.mark.parametrize("text", ["", "*", "I", "IND", "XX", "001", " IN", "India"])
def test_an_invalid_country_code_is_rejected(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"\AA country is .* ISO code .* letters, like IN\.\Z"):
        parse_country(text)


def test_every_country_code_is_parsed_in_any_case() -> None:
    assert {parse_country(country) for country in ALL_COUNTRIES} == ALL_COUNTRIES
    assert parse_country("in") == parse_country("In") == "IN"
    assert len(ALL_COUNTRIES) > 200
